// Package rtc brings links between peers over WebRTC: node.Network on pion, with
// package signal's client to find peers and to carry offers, answers and
// candidates.
//
// A session is all that is known of one peer, and there is at most one a peer.
// Its goroutine owns the peer connection from the first signalling message until
// the link is down, so that every decision about a peer is made in one place.
// While a link is up, two goroutines read its channels and one tells that the
// bulk channel has room; they take turns calling the handler.
//
// What was measured on loopback, both ends in one process on two cores, decides
// the settings: UDP socket buffers of 4 MiB; segmentation offload on Linux (a
// fifth less CPU a byte); one certificate a process; no mDNS candidates of our
// own; no ICE UDP mux (costs a tenth); data channels read detached, into one
// buffer per channel.
package rtc
