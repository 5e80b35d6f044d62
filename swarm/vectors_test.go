package swarm

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/shoal-p2p/shoal/swarm/internal/vector"
)

// watcher writes down what a script's brain is told and answers.
type watcher struct {
	story vector.Story
	core  *Core
	drawn []float64
}

func (w *watcher) begin(core *Core) {
	if w == nil {
		return
	}
	w.core, w.story.Config = core, core.Config()
	random := core.random
	core.random = func() float64 {
		v := random()
		w.drawn = append(w.drawn, v)
		return v
	}
}

func (w *watcher) step(at Time, in Input, effects []Effect) {
	if w == nil {
		return
	}
	s := vector.Step{At: at, Input: in, Random: w.drawn}
	for _, e := range effects {
		s.Effects = append(s.Effects, e)
	}
	if at, why, ok := w.core.Next(); ok {
		s.Next = &vector.Next{At: at, Why: why.String()}
	}
	w.story.Steps = append(w.story.Steps, s)
	w.drawn = nil
}

// about is a script's opening comment.
func about(script string) string {
	var words []string
	for line := range strings.Lines(script) {
		text, ok := strings.CutPrefix(strings.TrimSpace(line), "# ")
		if !ok {
			break
		}
		words = append(words, text)
	}
	return strings.Join(words, " ")
}

// TestVectors keeps testdata/vectors/core_*.json, the scripts in a form that other
// implementations replay, as the brain is now. -update rewrites them.
func TestVectors(t *testing.T) {
	scripts, err := filepath.Glob("testdata/core/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	known := map[string]bool{}
	for _, file := range scripts {
		script, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		w := &watcher{story: vector.Story{Name: name, About: about(string(script))}}
		replay(t, string(script), w)
		path := filepath.Join("testdata", "vectors", "core_"+name+".json")
		known[path] = true
		if err := vector.Keep(path, w.story, *update); err != nil {
			t.Error(err)
		}
	}
	if err := vector.Only("testdata/vectors/core_*.json", known, *update); err != nil {
		t.Error(err)
	}
}

// maxVectors bounds what the repository carries of them in bytes.
const maxVectors = 600 << 10

// TestVectorsCoverEverything looks for an input, effect, message, reason or cause
// that no vector shows.
func TestVectorsCoverEverything(t *testing.T) {
	files, err := filepath.Glob("testdata/vectors/*.json")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	if all.Len() > maxVectors {
		t.Errorf("vectors of %d bytes, the limit is %d", all.Len(), maxVectors)
	}
	want := func(field, value string) {
		if text := fmt.Sprintf(`"%s":%s`, field, value); !strings.Contains(all.String(), text) {
			t.Errorf("no vector has %s: write a script in testdata/core", text)
		}
	}
	for _, name := range kindsInSource(t) {
		want("type", strconv.Quote(vector.Snake(name)))
	}
	for why := WhyElect; int(why) < len(reasonNames); why++ {
		want("why", strconv.Quote(why.String()))
	}
	for _, cause := range Causes() {
		want("cause", strconv.Quote(cause.String()))
	}
	// RefusedLocked is of peers before the mesh, and nobody sends it any more.
	for refusal := RefusedGone; refusal <= RefusedLoop; refusal++ {
		want("reason", strconv.Itoa(int(refusal)))
	}
}

// kindsInSource are the types with a method input, effect or message.
func kindsInSource(t *testing.T) (names []string) {
	for _, file := range []string{"input.go", "effect.go", "message.go"} {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil {
				continue
			}
			switch f.Name.Name {
			case "input", "effect", "message":
				names = append(names, f.Recv.List[0].Type.(*ast.Ident).Name)
			}
		}
	}
	return names
}
