// Package realnet runs stories of package sim in small on real connections, and
// asks whether the simulator said what would come of them.
//
// Each story is one sim.Config whose peers and paths are named one by one. The
// simulator runs it in virtual time; then as many peers, each the brain, its edge and
// a WebRTC stack of its own, run it in real time, twice:
//
//	virtual network   pion's vnet: a home router with a NAT for each peer, delays,
//	                  loss, rates up and down, a STUN server
//	namespaces        Linux network namespaces on a bridge, rates by tc tbf
//
// The goal is that offload agrees within 0.05 and the median delivery within 25 %;
// what misses it is logged, and fails at 0.08 and 40 %. The table in
// package sim's documentation was printed by this test:
//
//	SHOAL_REALNET=on go test ./cmd/shoal/internal/realnet -v | grep '|'
//
// It takes four minutes; CI runs it as a step of its own (.ci/run real). Namespaces
// need root; the test makes and removes them. Where the machine is too busy for real
// time to be real (late timers tell), a story is run again with all rates halved, in
// both worlds, rather than judged less strictly.
package realnet
