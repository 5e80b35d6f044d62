// Package signal is how peers find each other: a websocket server that
// introduces the members of a swarm and carries their offers, answers and
// candidates, and the client that talks to it.
//
// The wire is described in PROTOCOL.md, byte by byte. Its two ideas:
//
//   - A member's id is the first 8 bytes of SHA-256(secret). The secret travels
//     in Join only, so an id is stable across reconnects and servers and nobody
//     can take another's place.
//   - A relayed message starts with [type][8-byte id]. The server looks the id
//     up, writes the sender's over it and forwards the same bytes; it never
//     decodes the payload.
//
// Server: connections are carried by internal/socket. On Linux a few goroutines,
// one a processor, read all plain TCP connections by epoll, so an idle member is a
// descriptor and a struct; TLS connections, and other systems, have a goroutine
// each. A message is handled by the goroutine that read it, and nothing it does may
// block. What is sent is queued and written at the end of the round. Queues are
// bounded; a member that does not read is evicted and nobody waits for it. One
// keeper goroutine sends pings and swarm sizes. All swarm state sits under one lock
// that is never held across reads and writes.
//
// Servers of a cluster share their swarms over a Bus: how many members each has, a
// sample of them for introductions, and messages to members elsewhere. CLUSTER.md
// says how. PAIRING.md is about who is introduced to whom, ADMIN.md about what an
// operator sees, SECURITY.md about what can be done to a server.
//
// Beside it: ice is the STUN and TURN server (ICE.md), tracker serves WebTorrent
// clients (TRACKER.md). FIGURES.md says what a server needs.
//
// Client: one goroutine dials, reads and calls the handler, a second one writes
// while a connection is up.
package signal
