// Package segments is the unit of exchange: what a segment is called, how its
// bytes are cut and checked, who vouches for them, where they are kept, and how
// they are fetched from the origin.
//
// A segment is named by a [Key], cut into pieces of [PieceSize] bytes, and each
// piece has a [Leaf], its SHA-256. The leaf list travels before the bytes, so an
// [Assembly] accepts a piece only once it is verified, while any number of
// readers stream what is there (cut-through). A [Statement] is a seed's Ed25519
// signature over name, size and leaves. A complete assembly yields an immutable
// [Segment], which a [Store] keeps in memory and, when it has a directory, on
// disk. An [Origin] fetches over HTTP.
//
// # Growing segments
//
// A low-latency origin sends a segment while it is still encoded, one chunk at a
// time, and a chunk need not fill a piece. So an assembly has a [Tail]: the bytes
// of the piece that is not whole yet. Local readers get them as they come from the
// origin, and peers that hold the seed's key get them signed, as the hash of
// exactly these bytes under a domain of its own. An unsigned tail is believed as
// far as unsigned leaves are. The whole piece must begin with its tail;
// otherwise somebody lied ([ErrConflict]).
//
// # Decisions
//
// Contiguous bytes. A segment in memory is one []byte, so that serving it is one
// Write. The buffer is allocated when the size is known and enough has arrived
// to believe it: a peer's claim of 64 MiB costs nothing by itself.
//
// Kept compressed if it pays. Text-like segments whose first piece deflates by
// at least an eighth are held, and sent, as raw deflate piece by piece. Leaves
// and digest always cover identity bytes.
//
// Disk. Contents are identity bytes named by digest, so equal bytes under two
// swarms are stored once. A small entry file per (swarm, key) is written after
// its content; both by write, fsync, rename. Directories are not fsynced: a
// rename lost to a power cut is a cache miss, and every content is checked
// against its digest when it is read.
package segments
