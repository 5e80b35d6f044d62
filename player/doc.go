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
// # Response headers
//
// Media that came through the peer carries Cache-Status (RFC 9211): "shoal; hit"
// when it was held already, "shoal; fwd=miss" when peers or the origin had to
// be asked, with fwd-status when the origin refused. What the session passes by
// carries "shoal; fwd=bypass" in the gateway and nothing in the transport.
package player
