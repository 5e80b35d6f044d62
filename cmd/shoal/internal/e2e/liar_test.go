package e2e

import (
	"sync/atomic"
	"testing"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/signal"
	"github.com/shoal-p2p/shoal/swarm"
	"github.com/shoal-p2p/shoal/swarm/node"
	"github.com/shoal-p2p/shoal/swarm/rtc"
	"github.com/shoal-p2p/shoal/swarm/wire"
)

// liar sends one flipped bit in every piece. What it says of the pieces is true.
type liar struct {
	*rtc.Network
	flipped *atomic.Int64
}

func (l liar) Start(h node.Handler) { l.Network.Start(lyingHandler{h, l.flipped}) }

type lyingHandler struct {
	node.Handler
	flipped *atomic.Int64
}

func (h lyingHandler) LinkUp(l node.Link) { h.Handler.LinkUp(lyingLink{l, h.flipped}) }

type lyingLink struct {
	node.Link
	flipped *atomic.Int64
}

func (l lyingLink) SendBulk(frame []byte) error {
	if f, err := wire.ParseBulk(frame); err == nil {
		if p, ok := f.(wire.Piece); ok && len(p.Payload) > 0 {
			frame[len(frame)-1-int(p.Index)%len(p.Payload)] ^= 0x10
			l.flipped.Add(1)
		}
	}
	return l.Link.SendBulk(frame)
}

// TestLiarIsBanned puts a peer that flips bits where everybody takes bytes from
// it: it fetches each segment the moment it exists and offers it first.
func TestLiarIsBanned(t *testing.T) {
	story(t)
	t.Parallel()
	for _, tt := range []struct {
		name   string
		signed bool
	}{
		{"in a swarm without a seed", false},
		{"beside a seed that signs", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := newStage(t, origin.Config{})
			cfg := memberConfig{url: o.url("/live/manifest.mpd")}
			var signer *segments.Signer
			if tt.signed {
				key, err := segments.GenerateKey()
				if err != nil {
					t.Fatal(err)
				}
				signer = segments.NewSigner(key)
				cfg.key = signer.Public()
			}
			cfg.signal = meeting(t, signal.Config{})

			var flipped atomic.Int64
			bad := cfg
			bad.core = swarm.Config{Seed: true}
			bad.wrap = func(n *rtc.Network) node.Network { return liar{n, &flipped} }
			deceiver := join(t, bad)
			eventually(t, "the liar plays", func() bool { return deceiver.count() > 6 })
			var honest []*member
			if tt.signed {
				seed := cfg
				seed.seat = 1
				seed.core, seed.signer = swarm.Config{Seed: true}, signer
				honest = append(honest, join(t, seed))
			}
			for seat := range 3 {
				cfg.seat = 2 + seat
				honest = append(honest, join(t, cfg))
			}
			viewers := honest[len(honest)-3:]
			eventually(t, "every viewer has rejected pieces of the liar and banned it", func() bool {
				for _, m := range viewers {
					if s := m.stats(); s.Rejected == 0 || s.Banned == 0 || m.linkedTo(deceiver.id) {
						return false
					}
				}
				return true
			})
			var begun []int
			for _, m := range viewers {
				begun = append(begun, m.count())
			}
			eventually(t, "every viewer has played on for 10 s", func() bool {
				for i, m := range viewers {
					if m.count() < begun[i]+10 { // two tracks of 2 s segments
						return false
					}
				}
				return true
			})
			if flipped.Load() == 0 {
				t.Fatal("the liar sent nothing")
			}
			direct := make(origins)
			checked := 0
			for _, m := range honest {
				checked += m.genuine(t, direct)
			}
			for _, m := range viewers {
				s := m.stats()
				if s.Banned != 1 {
					t.Errorf("%s banned %d peers, want the liar alone", m.id, s.Banned)
				}
				if s.PeerBytes == 0 {
					t.Errorf("%s took nothing from the honest", m.id)
				}
				if n := m.stalls(); n != 0 {
					t.Errorf("%s stalled %d times", m.id, n)
				}
				if want := map[bool]string{true: "signed", false: "cross-checked"}[tt.signed]; s.Integrity != want {
					t.Errorf("integrity %s, want %s", s.Integrity, want)
				}
			}
			t.Logf("%d flipped pieces sent, %d segments checked", flipped.Load(), checked)
		})
	}
}
