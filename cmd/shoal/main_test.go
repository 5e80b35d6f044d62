//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// The test binary can be the command, so that what a test starts is a real
// process with its exit code, and it can measure the command. The measuring one
// is a process of its own because Linux counts what the parent had resident
// when it forked as the child's.
const (
	asCommand = "SHOAL_TEST_AS_COMMAND"
	asMeasure = "SHOAL_TEST_AS_MEASURE" // the file for the figures
)

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(asCommand) != "":
		main()
		os.Exit(0)
	case os.Getenv(asMeasure) != "":
		os.Exit(measure(os.Getenv(asMeasure)))
	}
	os.Exit(m.Run())
}

// measure runs the command and writes its peak of resident bytes and its processor
// time in nanoseconds to a file.
func measure(file string) int {
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	_ = cmd.Run() // the exit code says it
	// processor time, because other work on the machine is not the command's fault
	took := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	var resident int64
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		resident = int64(usage.Maxrss)
		if runtime.GOOS == "linux" {
			resident <<= 10 // KiB there, bytes on macOS
		}
	}
	if err := os.WriteFile(file, fmt.Appendf(nil, "%d %d", resident, took), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 99
	}
	return cmd.ProcessState.ExitCode()
}

// outcome of a command.
type outcome struct {
	stdout, stderr bytes.Buffer
	code           int
	took           time.Duration // of processor time
	memory         int64         // most bytes resident
}

// shoal runs the command with further environment.
func shoal(t *testing.T, env []string, args ...string) *outcome {
	t.Helper()
	o := &outcome{}
	figures := filepath.Join(t.TempDir(), "figures")
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(append(os.Environ(), asMeasure+"="+figures), env...)
	cmd.Stdout, cmd.Stderr = &o.stdout, &o.stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	o.code = cmd.ProcessState.ExitCode()
	body, err := os.ReadFile(figures)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(string(body), &o.memory, (*int64)(&o.took)); err != nil {
		t.Fatal(err)
	}
	return o
}
