package sim

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestFiguresInFull runs the stories of testdata/figures, the table that the project
// is measured by, and prints what doc.go shows. At full size that takes the better
// part of an hour, so:
//
//	SHOAL_SIM_FULL=1    go test ./swarm/sim -run FiguresInFull -v -timeout 3h
//	SHOAL_SIM_FULL=400  the same with 400 viewers at most, where a story has thousands
//
// Otherwise it only reads them: that none has a mistake in it.
func TestFiguresInFull(t *testing.T) {
	most, _ := strconv.Atoi(os.Getenv("SHOAL_SIM_FULL"))
	files, err := filepath.Glob(filepath.Join("..", "testdata", "figures", "*.txt"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d stories, want ten: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s, err := ParseScenario(string(text))
			if err != nil {
				t.Fatal(err)
			}
			if len(s.Goals) == 0 {
				t.Error("no goals")
			}
			if most == 0 {
				return
			}
			if most > 1 && s.Config.Viewers >= 1000 {
				s.Config.Viewers = most
			}
			begin := time.Now()
			r, err := Run(s.Config)
			if err != nil {
				t.Error(err)
			}
			var row []string
			for _, g := range s.Goals {
				v, _ := r.Figure(g.Figure)
				mark := ""
				if g.Check(r) != nil {
					mark = " MISSED"
				}
				row = append(row, fmt.Sprintf("%s %.4g (%s %v)%s", g.Figure, v, g.Op, g.Value, mark))
			}
			t.Logf("%d viewers, %.0f s, %v real: %s; bounds: offload %.4f, delivery %.0f/%.0f/%.0f ms; offload %.4f, delivery %.0f/%.0f ms, copies %.2f, stalls %d",
				s.Config.Viewers, r.Seconds, time.Since(begin).Round(time.Second), strings.Join(row, "; "), r.Bounds.Offload,
				r.Bounds.DeliveryMS.P50, r.Bounds.DeliveryMS.P95, r.Bounds.DeliveryMS.Max, r.Offload, r.DeliveryMS.P50, r.DeliveryMS.P95, r.OriginCopies, r.Stalls)
		})
	}
}
