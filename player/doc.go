// Package player is how a player is served: a stream's manifest says what will
// be asked for, a peer brings it, and the player notices nothing but speed.
//
// Four ways in, one [Session] behind each:
//
//	Transport   an http.RoundTripper, for players written in Go
//	Gateway     an http.Handler under /<scheme>/<host>/<path>, for native players
//	Viewer      a headless viewer that keeps real time and reports quality
//	Seed        fetches every segment the moment it exists and feeds the swarm
//
// # Which swarm
//
// Two viewers of one stream must meet although their URLs differ in scheme,
// token or CMCD parameter. So the swarm's name is the manifest's canonical URL,
// see [SwarmID], as the player asked for it, before redirects to an edge that
// another viewer may not get. An operator who knows better sets a name.
//
// # What peers get to know
//
// Keys and bytes. A player's URL, query and headers go to the origin alone.
//
// # Never later than plain HTTP
//
// A request carries a deadline, see pace.go for the formula; the peer asks the
// origin while there is still time for it. Whatever the session cannot name,
// must not share or fails to bring before its first byte goes to the origin
// as if there were no session.
//
// # Low latency
//
// A DASH segment that grows is asked for with its first chunk and handed on byte by
// byte. Of low-latency HLS the seed fetches parts: the hinted one before it exists
// (the origin holds that request), others when they are listed; parts are
// segments with keys of their own. Measured over loopback, first chunk at a viewer
// after the origin's, all from peers: livesim2 with chunks of 0.5 s, median 1 ms and
// 95th percentile 5 ms; parts of gohlslib's muxer, 6 and 21 ms (package e2e).
//
// # Response headers
//
// Media that came through the peer carries Cache-Status (RFC 9211): "shoal; hit"
// when it was held already, "shoal; fwd=miss" when peers or the origin had to
// be asked, with fwd-status when the origin refused. What the session passes by
// carries "shoal; fwd=bypass" in the gateway and nothing in the transport.
package player
