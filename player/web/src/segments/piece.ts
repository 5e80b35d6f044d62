// Pieces, leaves and the digest of a segment (swarm/PROTOCOL.md §2, segments/piece.go).
import { sha224, sha256 } from "./sha2.ts";
import { bytesOf, concat } from "./bytes.ts";

/** Length in bytes of every piece but a segment's last. */
export const PieceSize = 16384;
/** The largest segment, in bytes, that is exchanged. */
export const MaxSegmentSize = 64 << 20;
export const MaxPieces = MaxSegmentSize / PieceSize;

/** SHA-256 of one piece's identity bytes: 32 bytes. */
export type Leaf = Uint8Array;
export const LeafSize = 32;

/** ⌈size / PieceSize⌉, 0 for an empty or unknown size. */
export const pieceCount = (size: number): number => (size <= 0 ? 0 : Math.ceil(size / PieceSize));

/** Length in bytes of piece `i` of a segment of `size` bytes, 0 when it has none such. */
export const pieceLength = (size: number, i: number): number =>
  Math.max(0, Math.min(size - i * PieceSize, i < 0 ? 0 : PieceSize));

/** Hashes one piece. Pages without TLS have no WebCrypto: there it is done in place. */
export async function leafOf(piece: Uint8Array): Promise<Leaf> {
  return globalThis.crypto?.subtle ? bytesOf(await crypto.subtle.digest("SHA-256", piece as BufferSource)) : sha256(piece);
}

/** SHA-224(be64(size) ‖ leaf 0 ‖ leaf 1 …); size is -1 of a segment that still grows. */
export function digestOf(size: number, leaves: Leaf[]): Uint8Array {
  const head = new DataView(new ArrayBuffer(8));
  head.setBigInt64(0, BigInt(size));
  return sha224(concat([bytesOf(head.buffer), ...leaves]));
}
