//go:build unix

package main

import (
	"bufio"
	"debug/elf"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/shoal-p2p/shoal/player/web"
)

// deployed are the command lines of the files in deploy, without the program.
func deployed(t *testing.T) map[string][]string {
	t.Helper()
	lines := map[string][]string{}
	compose, err := os.ReadFile("deploy/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^ +command: (\[.*\])$`).FindAllStringSubmatch(string(compose), -1) {
		var args []string
		if err := json.Unmarshal([]byte(m[1]), &args); err != nil {
			t.Fatalf("compose.yaml: %s: %v", m[1], err)
		}
		lines["compose: "+args[0]] = args
	}
	units, err := filepath.Glob("deploy/*.service")
	if err != nil {
		t.Fatal(err)
	}
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^ExecStart=\S+/shoal (.*)$`).FindAllStringSubmatch(string(text), -1) {
			lines[filepath.Base(unit)] = strings.Fields(strings.ReplaceAll(m[1], " $SHOAL_OPTIONS", ""))
		}
	}
	return lines
}

// What the deployment files call exists, with these flags.
func TestDeployedCommandLines(t *testing.T) {
	lines := deployed(t)
	if len(lines) < 5 {
		t.Fatalf("found only %v", lines)
	}
	variable := regexp.MustCompile(`\$\{[^}]*\}`)
	for name, args := range lines {
		t.Run(name, func(t *testing.T) {
			for i := range args {
				args[i] = variable.ReplaceAllString(args[i], "https://cdn.example/live.mpd")
			}
			cmd, rest, err := root().Find(args)
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.ParseFlags(rest); err != nil {
				t.Fatal(err)
			}
			if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A release binary needs no library of the system, knows its version and serves
// the browser client.
func TestRelease(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("looks into an ELF file")
	}
	if _, built := web.Files(); !built {
		if os.Getenv("CI") != "" {
			t.Fatal("the browser client is not built: go generate ./...")
		}
		t.Skip("the browser client is not built: go generate ./...")
	}
	dir := t.TempDir()
	out, err := exec.Command("bash", "deploy/release", "-b", "-o", dir, "linux/"+runtime.GOARCH).CombinedOutput()
	if err != nil {
		t.Fatalf("release: %v\n%s", err, out)
	}
	found, err := filepath.Glob(filepath.Join(dir, "shoal-*", "shoal"))
	if err != nil || len(found) != 1 {
		t.Fatalf("release made %v %v\n%s", found, err, out)
	}
	binary, err := elf.Open(found[0])
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	for _, p := range binary.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the binary is not static")
		}
	}
	version, err := exec.Command(found[0], "--version").Output()
	if name := filepath.Base(filepath.Dir(found[0])); err != nil || !strings.Contains(name, strings.TrimSpace(strings.TrimPrefix(string(version), "shoal version "))) {
		t.Errorf("--version says %q %v, the archive is %s", version, err, name)
	}
	server := exec.Command(found[0], "signal", "--listen", "127.0.0.1:0")
	said, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer server.Wait()
	defer server.Process.Kill()
	address := ""
	for lines := bufio.NewScanner(said); address == "" && lines.Scan(); {
		if m := regexp.MustCompile(`ws://([0-9.:a-z]+)/ws`).FindStringSubmatch(lines.Text()); m != nil {
			address = m[1]
		}
	}
	go io.Copy(io.Discard, said)
	for _, file := range mapFiles {
		w := httptest.NewRecorder()
		if web.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, file, nil)); w.Code != http.StatusOK {
			t.Errorf("%s: %d", file, w.Code)
		}
	}
	resp, err := http.Get("http://" + address + "/shoal.js")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if script, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK || len(script) < 1000 {
		t.Errorf("/shoal.js: %s, %d bytes, %v", resp.Status, len(script), err)
	}
}
