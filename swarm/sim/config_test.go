package sim

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
)

func TestEverySettingIsExplained(t *testing.T) {
	for _, name := range Settings() {
		if Help(name) == "" {
			t.Errorf("%s is not explained", name)
		}
	}
	if len(settingHelp) != len(settings) {
		t.Errorf("%d settings are explained, there are %d", len(settingHelp), len(settings))
	}
}

func TestZeroConfigIsValid(t *testing.T) {
	if err := (Config{}).populate().validate(); err != nil {
		t.Error(err)
	}
	if err := (Config{Mode: VOD}).populate().validate(); err != nil {
		t.Error(err)
	}
}

func TestConfigRefusesWhatCannotBe(t *testing.T) {
	most := int64(segments.MaxSegmentSize) * 8 / 2 // bit/s of 2 s segments at the cap
	for _, test := range []struct {
		name string
		cfg  Config
		err  string // "" valid
	}{
		{"most viewers", Config{Viewers: MaxViewers}, ""},
		{"one past", Config{Viewers: MaxViewers + 1}, "peers"},
		{"one past with a seed", Config{Viewers: MaxViewers, Seeds: 1}, "peers"},
		{"one past with a crowd", Config{Viewers: MaxViewers, Crowds: []Crowd{{Count: 1}}}, "peers"},
		{"negative crowd", Config{Crowds: []Crowd{{Count: -1}}}, "crowd"},
		{"largest segment", Config{SizeSpread: -1, Tracks: []int64{most}}, ""},
		{"one past", Config{SizeSpread: -1, Tracks: []int64{most + 4}}, "limit"},
		{"too many segments", Config{Duration: 24 * time.Hour, SegmentDuration: 50 * time.Millisecond}, "segments"},
		{"most tracks", Config{Tracks: slices.Repeat([]int64{1e6}, maxTracks)}, ""},
		{"one past", Config{Tracks: slices.Repeat([]int64{1e6}, maxTracks+1)}, "tracks"},
		{"most switches", Config{Switches: maxPerMinute}, ""},
		{"too many", Config{Switches: maxPerMinute + 1}, "switches"},
		{"mode", Config{Mode: "radio"}, "mode"},
		{"pairing", Config{Pairing: "best"}, "pairing"},
		{"warmup", Config{Warmup: time.Minute, Duration: time.Minute}, "warmup"},
		{"latency", Config{Latency: time.Second}, "latency"},
		{"uplink shares", Config{Uplinks: []Uplink{{0.5, 1}}}, "add up"},
		{"uplink rate", Config{Uplinks: []Uplink{{1, -1}}}, "uplink"},
		{"downlink", Config{Downlink: -1}, "downlink"},
		{"rtt", Config{RTTMin: time.Second, RTTMax: time.Millisecond}, "rtt"},
		{"loss", Config{Loss: 0.5}, "loss"},
		{"liars", Config{Liars: Liars{0.5, 0.4, 0.2}}, "liars"},
		{"size factor", Config{SizeFactor: -1}, "size factor"},
		{"outage", Config{Outages: []Outage{{time.Second, 0}}}, "outage"},
		{"kill", Config{Kills: []Kill{{Viewers: 1.1}}}, "kill"},
		{"brain", Config{Brain: swarm.Config{MinPeers: 20}}, ""}, // the brain says so itself
	} {
		err := test.cfg.populate().validate()
		switch {
		case test.err == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
			t.Errorf("%s: error %v, want one about %q", test.name, err, test.err)
		}
	}
}

func TestBrainConfigErrorsComeBack(t *testing.T) {
	if _, err := Run(Config{Viewers: 1, Duration: time.Second, Brain: swarm.Config{MinPeers: 20, MaxPeers: 3}}); err == nil {
		t.Error("20 peers at least and 3 at most went unnoticed")
	}
}

func TestParseScenario(t *testing.T) {
	text := `# two lines
# of story
viewers 30   # comment
uplinks 50% 0, 50% 2.5M
tracks 5M 800k
crowd 30s 20 within 10s
kill 40s viewers 30% seeds 50% silent
outage 20s for 10s
liars corrupt 3% stall 1%
signed true
---
offload >= 0.5
offload@50s-60s >= 0.95
---
offload 0.9
`
	s, err := ParseScenario(text)
	if err != nil {
		t.Fatal(err)
	}
	c := s.Config
	if c.Viewers != 30 || c.Uplinks[1] != (Uplink{0.5, 2500000}) || c.Tracks[1] != 800000 || !c.Brain.Signed ||
		c.Crowds[0] != (Crowd{30 * time.Second, 20, 10 * time.Second}) ||
		c.Kills[0] != (Kill{40 * time.Second, 0.3, 0.5, true}) ||
		c.Outages[0] != (Outage{20 * time.Second, 10 * time.Second}) || c.Liars != (Liars{Corrupt: 0.03, Stall: 0.01}) {
		t.Errorf("parsed %+v", c)
	}
	if len(s.Goals) != 2 || s.Goals[1] != (Goal{"offload@50s-60s", ">=", 0.95}) {
		t.Errorf("goals %+v", s.Goals)
	}
	if s.Story+"---\n"+s.Recorded != text {
		t.Errorf("written back as %q", s.Story+"---\n"+s.Recorded)
	}
}

func TestParseScenarioNamesTheLine(t *testing.T) {
	for _, text := range []string{"\nflies 3\n", "\nviewers\n", "\nviewers many\n", "\nuplinks 5 6 7\n", "\ncrowd 3s\n",
		"\nkill 3s viewers\n", "\nkill 3s dogs 3%\n", "\nliars corrupt\n", "\noutage 3s to 5s\n", "\ndownlink 9999G\n", "---\noffload > 3\n"} {
		if _, err := ParseScenario(text); err == nil || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%q: error %v, want one that names line 2", text, err)
		}
	}
	if _, err := ParseScenario(strings.Repeat("#", MaxScenario)); err != nil {
		t.Error(err)
	}
	if _, err := ParseScenario(strings.Repeat("#", MaxScenario+1)); err == nil {
		t.Error("a scenario past the limit was read")
	}
}

func FuzzParseScenario(f *testing.F) {
	f.Add("viewers 3\n---\nstalls = 0\n---\n")
	f.Add("uplinks 50% 0, 50% 2.5M\nkill 40s viewers 30% seeds 50% silent\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseScenario(text)
		if err != nil {
			return
		}
		again, err := ParseScenario(s.Story)
		if err != nil || again.Story != s.Story || len(again.Goals) != len(s.Goals) {
			t.Errorf("story %q does not read back: %v", s.Story, err)
		}
	})
}

func TestFigures(t *testing.T) {
	r := Report{Offload: 0.9, DeliveryMS: Spread{P95: 12}, Series: []Second{{OriginBytes: 1, ConsumedBytes: 2}, {OriginBytes: 1, ConsumedBytes: 8}}}
	for _, test := range []struct {
		goal Goal
		ok   bool
	}{
		{Goal{"offload", ">=", 0.9}, true},
		{Goal{"offload", ">=", 0.91}, false},
		{Goal{"stalls", "=", 0}, true},
		{Goal{"delivery_ms.p95", "<=", 12}, true},
		{Goal{"delivery_ms.p95", "<=", 11}, false},
		{Goal{"offload@0s-2s", "=", 0.8}, true},
		{Goal{"offload@1s-2s", "=", 0.875}, true},
		{Goal{"offload@1s-3s", "=", 0.875}, false},
		{Goal{"happiness", ">=", 0}, false},
	} {
		if err := test.goal.Check(r); (err == nil) != test.ok {
			t.Errorf("%v: %v", test.goal, err)
		}
	}
}
