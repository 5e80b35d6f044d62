import { expect, test } from "vitest";
import { type Bitset, addMap, each, get, pieceMap, set, span, unset } from "./bitset.ts";
import { MaxPieces } from "./limits.ts";
import { seeded } from "./random.ts";

test("a bitset is a set of numbers", () => {
  const random = seeded(1n, "bits");
  const bits: Bitset = [];
  const plain = new Set<number>();
  for (let i = 0; i < 3000; i++) {
    const n = Math.trunc(random() * 300);
    expect(get(bits, n)).toBe(plain.has(n));
    if (random() < 0.5) {
      expect(set(bits, n)).toBe(!plain.has(n));
      plain.add(n);
    } else {
      expect(unset(bits, n)).toBe(plain.delete(n));
    }
  }
  expect([...each(bits)]).toEqual([...plain].sort((a, b) => a - b));
});

test.each([
  [0, 0, 5, 0b11111],
  [0, 31, 33, 1 << 31],
  [1, 31, 33, 1],
  [2, 0, 64, 0],
  [1, 0, 4096, -1],
  [0, 7, 7, 0],
])("word %i of the pieces from %i to %i", (word, first, end, want) => expect(span(word, first, end)).toBe(want));

test("a piece map names pieces from the first on, without empty bytes at its end", () => {
  const bits: Bitset = [];
  for (const i of [3, 10, 12, 20]) set(bits, i);
  const map = pieceMap(bits, 10, 40);
  expect([...map]).toEqual([0b101, 0b100]);
  expect(pieceMap(bits, 21, 40).length).toBe(0);
  expect(pieceMap(bits, 5, 5).length).toBe(0);
  const back: Bitset = [];
  addMap(back, 10, map);
  expect([...each(back)]).toEqual([10, 12, 20]);
});

test("a piece map adds nothing past the last piece there can be", () => {
  const bits: Bitset = [];
  addMap(bits, MaxPieces - 1, Uint8Array.of(0b11));
  expect([...each(bits)]).toEqual([MaxPieces - 1]);
});
