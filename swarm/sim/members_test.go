package sim

import (
	"strings"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

func TestMembersAndPaths(t *testing.T) {
	s, err := ParseScenario(`member 50M 100M seed
member 8M 50M
member 0 20M at 3s symmetric
path 1 2 rtt 80ms loss 2% rate 1M
loss 1%
`)
	if err != nil {
		t.Fatal(err)
	}
	st := set(t, s.Config, nil)
	st.until(4 * time.Second)
	if len(st.peers) != 3 || st.viewers != 2 {
		t.Fatalf("%d peers, %d viewers", len(st.peers), st.viewers)
	}
	for i, want := range []struct {
		up, down  int64
		seed, nat bool
	}{{50e6, 100e6, true, false}, {8e6, 50e6, false, false}, {0, 20e6, false, true}} {
		if p := st.peers[i]; p.up.rate != want.up || p.down.rate != want.down || p.seed != want.seed || p.symmetric != want.nat {
			t.Errorf("member %d: up %d, down %d, seed %t, symmetric %t", i, p.up.rate, p.down.rate, p.seed, p.symmetric)
		}
	}
	if got := st.path(st.peers[2], st.peers[1]); got.RTT != 80*time.Millisecond || got.Loss != 0.02 || got.Rate != 1e6 {
		t.Errorf("path 1–2 is %+v", got)
	}
	if got := st.path(st.peers[0], st.peers[1]); got.RTT == 0 || got.Loss != 0.01 || got.Rate != 0 {
		t.Errorf("path 0–1 is %+v, want what the geography says", got)
	}
}

// A path's own rate holds pieces up that both peers' lines would carry faster.
func TestPathRate(t *testing.T) {
	st := set(t, Config{Members: []Member{{Up: 80e6, Down: 80e6}, {Up: 80e6, Down: 80e6}},
		Paths: []Path{{A: 0, B: 1, RTT: 20 * time.Millisecond, Rate: 4e6}}}, nil)
	st.join2(0, 1)
	st.stock(st.peers[0], 0)
	start := st.now
	st.send(0, 1, 0)
	st.until(st.now + 5*time.Second)
	at, gained := inputs[swarm.Gained](st, 1)
	if len(gained) != st.stream.pieces(0) {
		t.Fatalf("%d pieces of %d came", len(gained), st.stream.pieces(0))
	}
	want := span(int(st.stream.sizes[0]), 4e6)
	if got := at[len(at)-1] - start; !near(got, want+10*time.Millisecond) {
		t.Errorf("came in %v, want %v at 4 Mbit/s", got, want)
	}
	st.sound()
}

func TestMembersLimits(t *testing.T) {
	for _, test := range []struct{ text, err string }{
		{"member 1M", "UP DOWN"},
		{"member 1M 1M later", "not \"later\""},
		{"member 1M 1M\npath 0 1 rtt 1ms", "want two"},
		{"member 1M 1M\nmember 1M 1M\npath 0 1 loss 50%", "loss"},
		{"member 1M 1M\nmember 1M 1M\npath 0 1 speed 1", "rtt, loss or rate"},
		{strings.Repeat("member 1M 1M\n", maxMembers), ""},
		{strings.Repeat("member 1M 1M\n", maxMembers+1), "the limit is"},
	} {
		_, err := ParseScenario(test.text)
		if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
			t.Errorf("%.40q: error %v, want one about %q", test.text, err, test.err)
		}
	}
}

// Control messages pass the pieces that wait, but not the one being sent, and the
// pieces leave later by their length.
func TestControlSharesTheUplink(t *testing.T) {
	u := uplink{rate: 1e6}
	if at := u.interject(time.Second, 125); at != time.Second+time.Millisecond || u.owed != 125 {
		t.Errorf("an idle line: gone at %v, %d bytes owed", at, u.owed)
	}
	u.busy, u.until = true, 2*time.Second
	if at := u.interject(time.Second, 125); at != 2*time.Second+time.Millisecond || u.owed != 250 {
		t.Errorf("a busy line: gone at %v, %d bytes owed", at, u.owed)
	}
	none := uplink{}
	if at := none.interject(time.Second, 125); at != time.Second {
		t.Errorf("a line that sends no pieces: gone at %v", at)
	}
}
