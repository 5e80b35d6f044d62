package wire

import (
	"time"

	"github.com/shoal-p2p/shoal/segments"
)

// Limits on what a peer may send. A message beyond one of them does not parse,
// and its sender is not a peer worth keeping.
const (
	// MaxMessage is the longest message on either channel, in bytes. Every SCTP
	// stack in use takes messages up to this size (RFC 8841 §6.1: 64 KiB when
	// nothing was negotiated).
	MaxMessage = 64 * 1024
	// MaxReservations bounds the items of one Reserve.
	MaxReservations = 256
	// MaxReleased bounds the keys of one Release.
	MaxReleased = 256
	// MaxRuns bounds the runs of one Have, gained and lost each.
	MaxRuns = 1024
	// MaxRunSegments bounds the segments that all runs of one Have stand for, so
	// that a few bytes cannot make the receiver enumerate billions of keys.
	MaxRunSegments = 64 * 1024
	// MaxPeers bounds the names of one Peers.
	MaxPeers = 64
	// MaxForward is the longest signalling payload of a Forward, in bytes.
	MaxForward = 16 * 1024
	// MaxReason is the longest reason of a Bye, in bytes of UTF-8.
	MaxReason = 256
	// MaxMeta is the longest content type, entity tag or date of a Begin, in
	// bytes of UTF-8.
	MaxMeta = 256
	// MaxLeaves bounds the leaves of one Begin or Leaves frame: 32 KiB of hashes
	// for 16 MiB of segment.
	MaxLeaves = 1024
	// MaxHops is the longest distance from the origin that makes sense.
	MaxHops = 255
	// MaxDue is the longest time until a piece is needed. What is needed later
	// is said to be needed then.
	MaxDue = 24 * time.Hour
	// MaxUplink is the highest upload rate a Hello can claim, in bit/s.
	MaxUplink = 1_000_000_000_000
	// MaxVersion and MaxPeerLimit bound the remaining numbers of a Hello.
	MaxVersion   = 1 << 16
	MaxPeerLimit = 1 << 16
	// MaxRefusal bounds the reason code of a Refuse. Codes this version has no
	// name for are passed on as they are.
	MaxRefusal = 255
	// PeerIDLength is the exact length of a peer's name, in hexadecimal digits.
	PeerIDLength = 16
)

const (
	maxPieces = segments.MaxPieces
	maxSize   = segments.MaxSegmentSize
	leafSize  = len(segments.Leaf{})
	// maxPieceMap is a bit for every piece a segment can have.
	maxPieceMap = maxPieces / 8
)
