// Testsum reads "go test -json" on standard input, shows what people want to
// see of it (a line a package, the output of what failed, the reason of what was
// skipped) and writes "passed failed skipped" to the file named as argument.
// It counts leaves: a test with subtests stands for them, not beside them.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// event is one line of go test -json (go doc test2json).
type event struct {
	Action     string
	Package    string
	ImportPath string // build-output
	Test       string
	Output     string
	Elapsed    float64
}

type test struct{ pkg, name string }

type run struct {
	results map[test]string // pass, fail or skip
	output  map[test][]string
	failed  []string // packages that failed without a failed test: build, panic, leak, timeout
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go test -json … | testsum COUNTS-FILE")
		os.Exit(2)
	}
	r := run{results: map[test]string{}, output: map[test][]string{}}
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(2)
	}
	passed, failed, skipped := r.count()
	r.showSkips()
	fmt.Printf("\nGo: %d passed, %d failed, %d skipped\n", passed, failed, skipped)
	counts := fmt.Sprintf("%d %d %d\n", passed, failed, skipped)
	if err := os.WriteFile(os.Args[1], []byte(counts), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(2)
	}
	if failed > 0 || passed == 0 {
		os.Exit(1)
	}
}

func (r *run) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) == nil && e.Action != "" {
				r.handle(e)
			} else {
				fmt.Print(line) // the go command's own words
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *run) handle(e event) {
	at := test{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Print(e.Output)
	case "output":
		r.output[at] = append(r.output[at], e.Output)
	case "pass", "skip", "fail":
		if e.Test == "" {
			r.finish(e)
			return
		}
		r.results[at] = e.Action
		if e.Action == "fail" {
			fmt.Print(strings.Join(r.output[at], ""))
		}
		if e.Action != "skip" {
			delete(r.output, at)
		}
	}
}

// finish shows a package's one line, and all it said where that explains a failure.
func (r *run) finish(e event) {
	if e.Action == "fail" {
		if !r.anyFailed(e.Package) {
			r.failed = append(r.failed, e.Package)
			fmt.Print(strings.Join(r.output[test{e.Package, ""}], ""))
			for at, lines := range r.output { // tests that a panic or a timeout cut off
				if at.pkg == e.Package && at.name != "" && r.results[at] == "" {
					fmt.Print(strings.Join(lines, ""))
				}
			}
		}
		fmt.Printf("FAIL  %s  %.1f s\n", e.Package, e.Elapsed)
	} else if e.Action == "pass" {
		fmt.Printf("ok    %s  %.1f s\n", e.Package, e.Elapsed)
	}
	delete(r.output, test{e.Package, ""})
}

func (r *run) anyFailed(pkg string) bool {
	for at, result := range r.results {
		if at.pkg == pkg && result == "fail" {
			return true
		}
	}
	return false
}

// leaves are the tests that have no subtests.
func (r *run) leaves() []test {
	parents := map[test]bool{}
	for at := range r.results {
		for i, c := range at.name {
			if c == '/' {
				parents[test{at.pkg, at.name[:i]}] = true
			}
		}
	}
	var all []test
	for at, result := range r.results {
		// A parent may fail by itself, after all its subtests passed.
		if !parents[at] || result == "fail" && !r.childFailed(at) {
			all = append(all, at)
		}
	}
	slices.SortFunc(all, func(a, b test) int { return strings.Compare(a.pkg+a.name, b.pkg+b.name) })
	return all
}

func (r *run) childFailed(parent test) bool {
	for at, result := range r.results {
		if result == "fail" && at.pkg == parent.pkg && strings.HasPrefix(at.name, parent.name+"/") {
			return true
		}
	}
	return false
}

func (r *run) count() (passed, failed, skipped int) {
	for _, at := range r.leaves() {
		switch r.results[at] {
		case "pass":
			passed++
		case "fail":
			failed++
		case "skip":
			skipped++
		}
	}
	return passed, failed + len(r.failed), skipped
}

func (r *run) showSkips() {
	title := "\nSkipped:\n"
	for _, at := range r.leaves() {
		if r.results[at] != "skip" {
			continue
		}
		fmt.Print(title)
		title = ""
		fmt.Printf("  %s %s: %s\n", at.pkg, at.name, reason(r.output[at]))
	}
}

// reason is the last thing a skipped test logged, without its position.
func reason(lines []string) string {
	for _, line := range slices.Backward(lines) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "---") || strings.HasPrefix(line, "===") {
			continue
		}
		if _, after, found := strings.Cut(line, ": "); found {
			return after
		}
		return line
	}
	return "no reason given"
}
