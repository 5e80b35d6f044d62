package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// scratch is for what all tests share; TestMain removes it.
var scratch string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "shoal-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		scratch = dir
		return m.Run()
	}())
}

// shoalCommand builds the command once, and not at all when every test that
// needs it is left out.
var shoalCommand = sync.OnceValues(func() (string, error) {
	bin := filepath.Join(scratch, "shoal")
	args := []string{"build", "-o", bin}
	if raceDetector {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "github.com/shoal-p2p/shoal/cmd/shoal")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return bin, nil
})

// story begins a test of several seconds or minutes.
func story(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs whole streams in real time; not with -short")
	}
}

// missing ends a test that lacks a tool: it fails where everything must be there.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("CI must have it: "+format, args...)
	}
	t.Skipf(format, args...)
}

// patience is how long a test waits for what should take seconds: the machine
// may be doing other things.
const patience = 45 * time.Second

// eventually waits until ok, which is asked every 20 ms.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v still not: %s", patience, what)
		}
	}
}
