// A bit a piece, in words of 32, growing as pieces come (swarm/bitset.go, whose words have
// 64). A word that is not there is undefined, which the bit operators take for 0.
import { MaxPieces } from "./limits.ts";

export type Bitset = number[];

export const get = (b: Bitset, i: number): boolean => !!((b[i >> 5]! >>> i) & 1);

/** Whether the bit was new. */
export function set(b: Bitset, i: number): boolean {
  const fresh = !get(b, i);
  b[i >> 5]! |= 1 << i;
  return fresh;
}

/** Whether the bit was there. */
export function unset(b: Bitset, i: number): boolean {
  const there = get(b, i);
  b[i >> 5]! &= ~(1 << i);
  return there;
}

/** Index of the lowest bit of a word that is not 0. */
export const lowest = (word: number): number => 31 - Math.clz32(word & -word);

/** Index of the highest. */
export const highest = (word: number): number => 31 - Math.clz32(word);

/** The pieces of a set in order. */
export function* each(b: Bitset): Iterable<number> {
  for (let w = 0; w < b.length; w++) for (let m = b[w]!; m; m &= m - 1) yield w * 32 + lowest(m);
}

/** The bits of word w that stand for pieces first to end − 1. */
export function span(w: number, first: number, end: number): number {
  first = Math.max(first - w * 32, 0);
  end = Math.min(end - w * 32, 32);
  return first < end ? (-1 << first) & (-1 >>> (32 - end)) : 0;
}

/** How many words hold n pieces. */
export const words = (n: number): number => (n + 31) >> 5;

/**
 * The wire's form of a set from piece first on: bit j of byte i stands for piece
 * first + 8i + j. Zero bytes at its end are left out.
 */
export function pieceMap(b: Bitset, first: number, end: number): Uint8Array {
  const map = new Uint8Array(Math.max(0, (end - first + 7) >> 3));
  let last = 0;
  for (let i = first; i < end; i++)
    if (get(b, i)) {
      last = (i - first) >> 3;
      map[last++]! |= 1 << ((i - first) & 7);
    }
  return map.slice(0, last);
}

/** Sets the pieces of a piece map. */
export function addMap(b: Bitset, first: number, map: Uint8Array): void {
  for (let i = 0; i < Math.min(map.length * 8, MaxPieces - first); i++)
    if ((map[i >> 3]! >> (i & 7)) & 1) set(b, first + i);
}
