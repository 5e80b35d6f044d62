package wire

import (
	"testing"

	"github.com/shoal-p2p/shoal/swarm"
)

func TestHello(t *testing.T) {
	full := swarm.Hello{Version: swarm.Version, Seed: true, Metered: true, Uplink: 5_000_000, MaxPeers: 10}
	checkSurvives(t, full)
	with := func(change func(*swarm.Hello)) swarm.Hello { h := full; change(&h); return h }
	checkLimits(t, []limit{
		{"version", with(func(h *swarm.Hello) { h.Version = MaxVersion }), with(func(h *swarm.Hello) { h.Version = MaxVersion + 1 })},
		{"uplink", with(func(h *swarm.Hello) { h.Uplink = MaxUplink }), with(func(h *swarm.Hello) { h.Uplink = MaxUplink + 1 })},
		{"uplink unknown", with(func(h *swarm.Hello) { h.Uplink = 0 }), with(func(h *swarm.Hello) { h.Uplink = -1 })},
		{"peers", with(func(h *swarm.Hello) { h.MaxPeers = MaxPeerLimit }), with(func(h *swarm.Hello) { h.MaxPeers = MaxPeerLimit + 1 })},
		{"no peers", with(func(h *swarm.Hello) { h.MaxPeers = 0 }), with(func(h *swarm.Hello) { h.MaxPeers = -1 })},
	})
}
