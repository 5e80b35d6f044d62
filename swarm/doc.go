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
// Elect. A seed fetches at once. Without one, see elected: those first who upload
// several times what they play, among alike rank by hash, a threshold that doubles
// every ElectionStep, one copy for each sixty peers up to four, and exact turns where
// the swarm is small enough to know everybody. Who is metered leaves it to others for a
// segment's duration: players ask for the same segment at different times. That last rule is ours: a threshold of 1/N
// alone elects nobody in a third of all cases and two or more in a quarter, which
// is half a copy too many in a swarm of six. The electee promises before its
// first byte has come, so others stop counting down after half a round trip.
//
// A seed's word travels as promises that whoever hears first passes on, and as long
// as a seed brought the last segments nobody counts down before it should have come.
// Any piece that comes is word that the segment is on its way.
//
// Deadline. No peer waits past min(deadline − lead, OriginBy), see lead: then it asks
// the origin for what is missing, whatever was promised, the longest stretch that nobody
// is sending first. Where that happens again and again the swarm uploads less than it
// watches: each peer learns what part of a segment it falls short of (short.go), asks
// neighbours for the front first, and leaves that part, in one stretch at the end, to the
// origin. A peer without links waits for one for two seconds if there are others and time.
// Of a film nothing is fetched ahead for the swarm while something due sooner is late
// (pressed), nor what a neighbour has while there is time to wait for it (provided). An
// eighth of a segment or less that neighbours still owe is asked of both (CauseHedge): so
// at most an eighth of its bytes comes twice for that.
//
// Outage. Two errors for one segment are an outage (outage.go). What players have stopped
// for, their neighbours wait for as well: a few elected peers try it, and when somebody has
// something of it, the swarm gets four to eight seconds to pass it on; the segments behind
// it are elected for one after the other. A peer that hears nothing tries by itself after
// ten seconds to a minute and a half: the trouble may be its own. Wishes are repeated to
// neighbours before they forget them.
//
// Deal. What of a live stream leaves the origin is pushed, each slice (an eighth, pieces
// i mod 8) to one of those who reserved the segment, by weight (deal): a reservation is as
// good as a request.
// What a viewer has from the origin goes out once before anything goes twice, because
// what only it holds keeps the swarm waiting; before that, a piece could lie for a second
// with a neighbour that has no uplink while its only other holder sent others twice.
//
// Mesh. Neighbours tell each other which pieces are here, as they come (announce). The
// receiver asks each for pieces that it holds: as many as it sends in a round trip
// and 120 ms (window), different ones of each, of the two segments due first the one
// that fewest neighbours hold, in order when the last moment to ask the origin is near
// (pick). What a slow one owes is asked of a quick one that has nothing left to do
// (steal), for a quarter of a segment and four pieces at most. Nobody can wait in a
// circle, because only what a source holds is asked of it. A segment of unknown size
// is followed as it comes, from one source that has fewer hops or all of it.
//
// Share out. Few pieces are on their way out at a time, 50 ms of the uplink's rate, so
// that the choice of the next is made late: due within a second first, then start-time
// fair queueing between receivers by weight, 1 for those who cannot upload to 4 for
// the strong, who get pieces first because from them they reach everybody sooner. Of
// what a receiver asked for, the piece goes first that was sent to the fewest. The
// uplink is measured over all links, only while something waits all the time; a peer
// on whose links nothing moves at all calls itself metered (mute). Offers take a
// sixteenth of it at most, pushes of a segment twice what it carries while that lasts.
// A peer on a weak line sends nothing while its own player waits for the origin (yields):
// requests and acknowledgements would stand in the same queue.
//
// Replace. A source that sends nothing for three times StallAfter, two round trips and
// four times its usual pace loses its pieces and is not asked for a while, longer each
// time. Mostly others are asked for what it owes well before, and an overloaded line looks
// the same as a lie until then. So one that was silent is audited when the segment is whole:
// asked for a piece that it owed, and for nothing else until it has sent it. One that does
// not within three seconds has to leave, for good if it has never sent anything, else for
// some minutes and only where there are enough others. Silence is no proof, so nobody is
// told. One that does is believed for a minute. It costs the honest a piece now and then.
//
// Grow. A low-latency segment is offered with its first bytes, not its first piece,
// and a transfer opens at once; the edge passes the unfinished piece on as it
// grows (TransmitTail). While a source passes on a segment that the origin is
// still making, silence of half its growth is no stall, and the origin, which
// could not bring the last byte sooner, is not asked.
//
// Subscribe. A neighbour that was first with nearly all pieces of a slice over the last
// segments is asked to push it. A parent that others are more than three pieces ahead of
// is let go for the segment, and the pieces are asked for: nobody waits for a parent. A
// push says which slices it brings, so that both sides mean the same while subscriptions
// change; a question to a pusher names what it pushes, too, because it takes the push's
// place; and who ends or narrows a push is told what it can ask for instead.
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
