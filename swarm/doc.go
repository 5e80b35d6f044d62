// Package swarm is the brain of a peer: who has, who wants, who sends to whom.
//
// [Core] is a pure state machine. It has no clock, no goroutine and no I/O: time
// is an argument, randomness is seeded, and the bytes of pieces never pass
// through it. [Core.Handle] takes an [Input], [Core.Drain] gives the [Effect]s,
// [Core.Next] says when it wants to be called again, and why. The same brain
// runs under real connections (swarm/node and swarm/rtc), in virtual time for
// thousands of peers (swarm/sim), and, by the same rules, in the browser.
//
//	         Want, Held, Evicted                Send, Transmit
//	player ─────────────────────▶ ┌────────┐ ─────────────────▶ links
//	         LinkUp, Received,    │  Core  │   Fetch
//	links  ─────────────────────▶ │        │ ─────────────────▶ origin
//	         Gained, FetchEnded   └────────┘   Connect, Discover
//	edge   ─────────────────────▶              ────────────────▶ signalling
//
// # The rules
//
// Reserve. A Want places a reservation with every neighbour, before the segment
// exists. A neighbour that has something of the key, or gets it, offers it. Where
// fewer than two neighbours care for a track and no seed is linked, the
// reservation may be passed on one step (tier-2); who passes it on fetches from
// its own neighbours on the asker's behalf, never from the origin.
//
// Elect. A seed fetches at once. Without one, see elected: rank by hash, a
// threshold that doubles every ElectionStep, and exact turns where the swarm is
// small enough to know everybody. That last rule is ours: a threshold of 1/N
// alone elects nobody in a third of all cases and two or more in a quarter, which
// is half a copy too many in a swarm of six. The electee promises before its
// first byte has come, so others stop counting down after half a round trip.
//
// Deadline. No peer waits past min(deadline − 2 × origin time − 100 ms, OriginBy):
// then it asks the origin for what is missing, whatever was promised.
//
// Offer and accept. The receiver locks each missing run of pieces to one source:
// fewest hops, then fewest failures, then nearest, then least loaded. Others are
// told no and stay as substitutes. A source that is itself still receiving must
// have fewer hops than the receiver, so nobody waits in a circle; a source that
// holds everything cannot be part of one. Pieces are passed on as they come
// (cut-through).
//
// Share out. A peer offers only what its uplink carries within the time of one
// segment (see room); where that is less than a segment it offers so many pieces,
// and the receiver takes the rest from others. That needs an upload cap to be set
// (Config.UploadMax); without one a peer offers to everybody. Who is refused for
// want of room waits for the next offer, not for its turn to fetch.
//
// Replace. A source that sends nothing for StallAfter loses its pieces to
// another; one that would be late loses the second half of them.
//
// Grow. A low-latency segment is offered with its first bytes, not its first piece,
// and a transfer opens at once; the edge passes the unfinished piece on as it
// grows (TransmitTail). While a source passes on a segment that the origin is
// still making, silence of half its growth is no stall, and the origin, which
// could not bring the last byte sooner, is not asked.
//
// Subscribe. After three segments of a track in a row from one neighbour at the
// same distance from the origin, it is asked to push the next ones at once.
// Two refused pushes in a row end it.
//
// Govern. Between MinPeers and MaxPeers links, two of which are left to those who
// find us; checked when the websocket connects and when a peer comes or goes. A
// peer that cannot be reached is tried again after pauses that double, with jitter.
// What neighbours are worth is learnt without asking anything of them: pieces they
// brought and took lately, over the round trip and the time from Accept to the first
// piece. Of too many the least useful one leaves that has enough others and nothing
// under way, so that newcomers get into a full swarm. Every reviewEvery one that lets transfers down is let go, one at most; every
// second review one peer more is tried for half a minute, in the two free places,
// and takes another's place only if it is worth half as much again and a segment
// more. Seeds stay, and nobody leaves while bytes are under way.
//
// Signal through neighbours. Neighbours tell each other who else they are linked
// to. A peer without the websocket (it left, DisconnectWebsocketOnMax, or it was
// cut) sends offers by a neighbour that knows the receiver: one step, one message
// out for one in, at a bounded rate for each neighbour and for all of them.
//
// A neighbour whose bytes do not verify is banned.
//
// # Integrity
//
// The edge verifies every piece before the brain hears of it. Unsigned bytes are
// cross-checked: two different claims about one segment are settled by the origin,
// and a random sample of segments is compared with it; liars are banned.
//
// # Bounds
//
// Every table a neighbour can fill has a cap in limits.go. A brain's size depends
// on its neighbours and on what it holds, never on the size of the swarm.
package swarm
