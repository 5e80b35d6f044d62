package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// clock are the ways to ask the machine for the time, or to wait.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// seeded are the only names of math/rand/v2 that a pure package may use: the
// rest draws from the global source, which nobody can seed.
var seeded = []string{"New", "NewPCG", "NewChaCha8", "NewZipf", "Rand", "Source", "PCG", "ChaCha8", "Zipf"}

// TestPureRoomsAskNoClock reads the core's and the simulator's source: time and
// randomness come in from outside, or a run could not be repeated.
func TestPureRoomsAskNoClock(t *testing.T) {
	for _, room := range []string{"swarm", "swarm/sim", "signal/vivaldi"} {
		for _, name := range sources(t, filepath.Join(root(t), room)) {
			file := token.NewFileSet()
			parsed, err := parser.ParseFile(file, name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range impure(file, parsed) {
				t.Error(found)
			}
		}
	}
}

// impure lists the calls, and the statements, that a pure package must not hold.
func impure(file *token.FileSet, parsed *ast.File) []string {
	names := map[string]string{} // local name to import path
	for _, spec := range parsed.Imports {
		path := strings.Trim(spec.Path.Value, `"`)
		local := filepath.Base(strings.TrimSuffix(path, "/v2"))
		if spec.Name != nil {
			local = spec.Name.Name
		}
		names[local] = path
	}
	var found []string
	say := func(at ast.Node, format string, args ...any) {
		found = append(found, fmt.Sprintf("%s: %s", file.Position(at.Pos()), fmt.Sprintf(format, args...)))
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			say(n, "starts a goroutine; the core is driven, it never drives")
		case *ast.SelectorExpr:
			local, ok := n.X.(*ast.Ident)
			if !ok {
				return true
			}
			switch path := names[local.Name]; {
			case path == "time" && slices.Contains(clock, n.Sel.Name):
				say(n, "time.%s; take now as an argument", n.Sel.Name)
			case strings.HasPrefix(path, "math/rand") && !slices.Contains(seeded, n.Sel.Name):
				say(n, "rand.%s draws from the global source; use the seeded one of Config", n.Sel.Name)
			}
		}
		return true
	})
	return found
}

func TestImpurityIsFound(t *testing.T) {
	const source = `package p
import ("time"; r "math/rand/v2")
func f(now time.Time) {
	_ = time.Now()
	_ = now.After(now)
	_ = r.IntN(3)
	_ = r.New(r.NewPCG(1, 2))
	go f(now)
	_ = time.Second
}`
	file := token.NewFileSet()
	parsed, err := parser.ParseFile(file, "p.go", source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var lines []int
	for _, found := range impure(file, parsed) {
		var line int
		if _, err := fmt.Sscanf(found, "p.go:%d:", &line); err != nil {
			t.Fatalf("%q: %v", found, err)
		}
		lines = append(lines, line)
	}
	if want := []int{4, 6, 8}; !slices.Equal(lines, want) {
		t.Errorf("found on lines %v, want %v", lines, want)
	}
}

// sources are the Go files of one folder, tests left out.
func sources(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if name := e.Name(); strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			names = append(names, filepath.Join(folder, name))
		}
	}
	if len(names) == 0 {
		t.Fatalf("%s holds no Go file; did the room move?", folder)
	}
	return names
}

// root is the module's folder: the nearest one above with a go.mod.
func root(t *testing.T) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			t.Fatal("no go.mod above the working directory")
		}
		folder = parent
	}
}
