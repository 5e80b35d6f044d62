// Bounds of what a peer may send (swarm/PROTOCOL.md, swarm/wire/limits.go).

/** Longest message of either channel, in bytes. */
export const MaxMessage = 65536;
/** Largest duration, in milliseconds: a day. */
export const MaxDuration = 86_400_000;
/** Items of one Reserve, keys of one Release. */
export const MaxReservations = 256;
export const MaxReleased = 256;
/** Runs of one Have, gained and lost each. */
export const MaxRuns = 1024;
/** Segments that all runs of one Have stand for. */
export const MaxRunSegments = 65536;
export const MaxPeers = 64;
/** Of a signalling payload inside a Forward, in bytes. */
export const MaxForward = 16384;
/** Of a Bye, in bytes. */
export const MaxReason = 256;
export const MaxVersion = 65536;
export const MaxPeerLimit = 65536;
export const MaxRefusal = 255;
/** bit/s */
export const MaxUplink = 1e12;
export const MaxHops = 255;
/** Of one Begin or Leaves frame. */
export const MaxLeaves = 1024;
/** Content type, ETag and date, in bytes. */
export const MaxMetaField = 256;
/** Bytes of a piece frame before its payload. */
export const PieceHeader = 10;
/** Bytes of a tail frame before its signature or payload. */
export const TailHeader = 12;
export const SignatureSize = 64;
/** A bit for every piece that a segment can have, in bytes. */
export const MaxPieceMap = 4096 / 8;
