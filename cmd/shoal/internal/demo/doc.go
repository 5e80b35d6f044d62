// Package demo is the whole of Shoal on one machine without a network: an origin
// that loops a clip as a live stream, a signalling server, a seed and a number
// of viewers, each a separate peer with its own WebRTC stack and its own cache.
// Bytes are counted at the origin, not by those who claim to save them.
package demo
