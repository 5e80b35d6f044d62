package sim

import (
	"cmp"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/internal/vector"
)

// recorder is a brain whose life is written down.
type recorder struct {
	*swarm.Core
	story *vector.Story
	drawn *[]float64
}

func newRecorder(cfg swarm.Config, story *vector.Story) (*recorder, error) {
	r := &recorder{story: story, drawn: new([]float64)}
	random := rand.New(rand.NewPCG(cfg.RandomSeed, 0))
	cfg.RandomSeed = 0 // not used, and not a number that JavaScript can hold
	cfg.Random = func() float64 {
		v := random.Float64()
		*r.drawn = append(*r.drawn, v)
		return v
	}
	core, err := swarm.New(cfg)
	if err != nil {
		return nil, err
	}
	r.Core, story.Config = core, core.Config()
	return r, nil
}

func (r *recorder) Handle(now swarm.Time, in swarm.Input) {
	r.Core.Handle(now, in)
	r.story.Steps = append(r.story.Steps, vector.Step{At: now, Input: in})
}

func (r *recorder) Drain() []swarm.Effect {
	effects := r.Core.Drain()
	s := &r.story.Steps[len(r.story.Steps)-1]
	for _, e := range effects {
		s.Effects = append(s.Effects, e)
	}
	if at, why, ok := r.Core.Next(); ok {
		s.Next = &vector.Next{At: at, Why: why.String()}
	}
	s.Random, *r.drawn = *r.drawn, nil
	return effects
}

// kinds is how many kinds of inputs and effects a story has.
func kindsOf(s *vector.Story) int {
	kinds := map[reflect.Type]bool{}
	note := func(v any) { kinds[reflect.TypeOf(v)] = true }
	for _, step := range s.Steps {
		note(step.Input)
		if r, ok := step.Input.(swarm.Received); ok {
			note(r.Message)
		}
		for _, e := range step.Effects {
			note(e)
		}
	}
	return len(kinds)
}

// TestVectors keeps testdata/vectors/sim_*.json: what one brain of each small swarm
// of testdata/vectors/*.txt was told and answered, for other implementations to
// replay. It is the viewer that saw most kinds of things. -update rewrites them.
func TestVectors(t *testing.T) {
	dir := filepath.Join("..", "testdata", "vectors")
	stories, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(stories) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	known := map[string]bool{}
	for _, file := range stories {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := ParseScenario(string(text))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		var lives []*vector.Story
		_, err = simulate(s.Config, func(c swarm.Config) (brain, error) {
			if c.Seed {
				return swarm.New(c)
			}
			life := &vector.Story{Name: name, About: strings.TrimPrefix(strings.SplitN(string(text), "\n", 2)[0], "# ")}
			lives = append(lives, life)
			return newRecorder(c, life)
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		richest := slices.MaxFunc(lives, func(a, b *vector.Story) int { return cmp.Compare(kindsOf(a), kindsOf(b)) })
		path := filepath.Join(dir, "sim_"+name+".json")
		known[path] = true
		if err := vector.Keep(path, *richest, *update); err != nil {
			t.Error(err)
		}
	}
	if err := vector.Only(filepath.Join(dir, "sim_*.json"), known, *update); err != nil {
		t.Error(err)
	}
}
