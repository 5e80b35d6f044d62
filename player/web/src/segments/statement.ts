// What seeds sign: statements about leaves, and tails of pieces (swarm/PROTOCOL.md §3,
// segments/statement.go, segments/tail.go).
import { concat } from "./bytes.ts";
import { verify } from "./ed25519.ts";
import { digestOf, leafOf, MaxPieces, MaxSegmentSize, pieceCount, PieceSize, type Leaf } from "./piece.ts";

/** A seed's claim that a key of a swarm has these leaves. `size` is -1 while the segment grows. */
export interface Statement {
  size: number;
  count: number;
  signature: Uint8Array;
}

/** Longest tail in bytes: with one more it is a piece. */
export const MaxTail = PieceSize - 1;

/** The beginning of a piece that is not whole yet. `signature` is a seed's over exactly these bytes. */
export interface Tail {
  index: number;
  bytes: Uint8Array;
  signature: Uint8Array | undefined;
}

const utf8 = new TextEncoder();

/** domain ‖ be32(length of swarm) ‖ swarm ‖ be32(length of key) ‖ key ‖ rest */
function message(domain: string, swarm: string, key: string, ...rest: Uint8Array[]): Uint8Array {
  const name = utf8.encode(swarm);
  const ascii = utf8.encode(key);
  return concat([utf8.encode(domain + "\0"), be32(name.length), name, be32(ascii.length), ascii, ...rest]);
}

function be32(n: number): Uint8Array {
  return Uint8Array.of(n >>> 24, n >>> 16, n >>> 8, n);
}

function be64(n: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigInt64(0, BigInt(n));
  return new Uint8Array(view.buffer);
}

export const statementMessage = (swarm: string, key: string, size: number, leaves: Leaf[]): Uint8Array =>
  message("shoal statement 1", swarm, key, be64(size), be32(leaves.length), digestOf(size, leaves));

/**
 * Says whether the key's owner said that `key` in `swarm` begins with the first
 * `count` of `leaves` (size -1), or consists of exactly these (size ≥ 0).
 */
export async function verifyStatement(st: Statement, pub: Uint8Array, swarm: string, key: string, leaves: Leaf[]): Promise<boolean> {
  const { size, count } = st;
  if (size < -1 || size > MaxSegmentSize || count > MaxPieces || count > leaves.length) return false;
  if (size >= 0 && (count !== pieceCount(size) || leaves.length !== count)) return false;
  return verify(pub, statementMessage(swarm, key, size, leaves.slice(0, count)), st.signature);
}

export const tailMessage = async (swarm: string, key: string, index: number, bytes: Uint8Array): Promise<Uint8Array> =>
  message("shoal tail 1", swarm, key, be32(index), be32(bytes.length), await leafOf(bytes));

/** Says whether the key's owner said that piece `tail.index` begins with `tail.bytes`. */
export async function verifyTail(tail: Tail, pub: Uint8Array, swarm: string, key: string): Promise<boolean> {
  const { index, bytes, signature } = tail;
  if (!signature || index < 0 || index >= MaxPieces || !bytes.length || bytes.length > MaxTail) return false;
  return verify(pub, await tailMessage(swarm, key, index, bytes), signature);
}
