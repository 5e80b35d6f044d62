package sim

import (
	"encoding/json"
	"os"
	"testing"
	"time"
)

func TestTry(t *testing.T) {
	seeds := 1
	if os.Getenv("NOSEED") != "" {
		seeds = 0
	}
	start := time.Now()
	r, err := Run(Config{Viewers: 50, Seeds: seeds})
	el := time.Since(start)
	r.Series = nil
	b, _ := json.MarshalIndent(r, "", " ")
	t.Log(string(b))
	t.Log(el, float64(el.Nanoseconds())/float64(r.Events), "ns/event")
	if err != nil {
		t.Log(err)
	}
}
