package arch

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rooms and the few files that may lie beside them.
var atRoot = []string{
	"cmd", "manifest", "player", "segments", "signal", "swarm",
	".ci", ".gitattributes", ".gitignore",
	"CHANGELOG.md", "LICENSE", "README.md", "go.mod", "go.sum",
}

// wastebaskets are folder names that say nothing of what is inside.
var wastebaskets = []string{"common", "helper", "helpers", "lib", "misc", "pkg", "shared", "util", "utils"}

func TestRootHoldsOnlyTheRooms(t *testing.T) {
	command := exec.Command("git", "ls-files", "-z")
	command.Dir = root(t)
	out, err := command.Output()
	if err != nil {
		t.Skipf("not a git checkout: %v", err)
	}
	seen := map[string]bool{}
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		top, _, _ := strings.Cut(name, "/")
		if !seen[top] && !slices.Contains(atRoot, top) {
			t.Errorf("%s lies at the root; it belongs into one of the six rooms", top)
		}
		seen[top] = true
	}
	for _, room := range atRoot[:6] {
		if !seen[room] {
			t.Errorf("the room %s is missing", room)
		}
	}
}

// TestRoomsExplainThemselves wants a doc.go in every room, a package comment in
// every package, and no folder whose name explains nothing. (Reading all folders
// here also tells the test cache what the other tests of this package depend on.)
func TestRoomsExplainThemselves(t *testing.T) {
	top := root(t)
	err := filepath.WalkDir(top, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		if name := e.Name(); path != top && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata") {
			return fs.SkipDir
		}
		if slices.Contains(wastebaskets, e.Name()) {
			t.Errorf("%s: a name for everything is a name for nothing", path)
		}
		files, err := filepath.Glob(filepath.Join(path, "*.go"))
		if err != nil || len(files) == 0 {
			return err
		}
		if filepath.Dir(path) == top && !slices.Contains(files, filepath.Join(path, "doc.go")) {
			t.Errorf("%s has no doc.go to say what the room is for", path)
		}
		if !slices.ContainsFunc(files, func(name string) bool { return hasPackageComment(t, name) }) {
			t.Errorf("%s has no package comment", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func hasPackageComment(t *testing.T, name string) bool {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.PackageClauseOnly|parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Doc != nil
}
