package signal

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryNamedTestExists keeps SECURITY.md true: a defence whose test is gone is
// a claim.
func TestEveryNamedTestExists(t *testing.T) {
	page, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	for _, root := range []string{".", filepath.Join("..", "cmd", "shoal")} {
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			for _, found := range function.FindAllSubmatch(source, -1) {
				have[string(found[1])] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllSubmatch(page, -1)
	if len(named) < 40 {
		t.Fatalf("SECURITY.md names %d tests; was the table moved?", len(named))
	}
	for _, n := range named {
		if !have[string(n[1])] {
			t.Errorf("SECURITY.md names %s, which is nowhere below signal or cmd/shoal", n[1])
		}
	}
	for i, line := range strings.Split(string(page), "\n") {
		if strings.HasPrefix(line, "|") && strings.Count(line, "|") == 4 && i > 12 && !strings.Contains(line, "`Test") && !strings.Contains(line, "`Fuzz") {
			t.Errorf("line %d of SECURITY.md names no test: %s", i+1, line)
		}
	}
}
