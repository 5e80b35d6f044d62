// Package tracker lets WebTorrent clients use the signalling server as their
// tracker, unchanged: p2p-media-loader, PeerTube, WebTorrent. ../TRACKER.md is the
// protocol as it is spoken here.
//
// It shares nothing with Shoal's own protocol but the way connections are carried
// (../internal/socket): the peers of a tracker speak WebRTC and BitTorrent or
// p2p-media-loader's own protocol to each other, which a Shoal peer does not.
//
// One message is handled by the goroutine that read it. All swarms sit under one
// lock, never held across reads and writes; one keeper sends pings.
package tracker
