import { expect, test } from "vitest";
import { strokes } from "./strokes.ts";

const ends: [number, number][] = [[0, 0], [10, 0]];

test("a straight stroke is two vertices", () => {
  const s = strokes(1, false, () => ends[0]!, () => ends[1]!, () => [1, 2, 3, 4]);
  expect([...s.positions]).toEqual([0, 0, 0, 10, 0, 0]);
  expect([...s.colours]).toEqual([1, 2, 3, 4, 1, 2, 3, 4]);
});

test("a bow begins and ends where it should, without gaps, and the way back is another", () => {
  const there = strokes(1, true, () => ends[0]!, () => ends[1]!, () => [1, 2, 3, 4]).positions;
  const back = strokes(1, true, () => ends[1]!, () => ends[0]!, () => [1, 2, 3, 4]).positions;
  expect([...there.slice(0, 2)]).toEqual([0, 0]);
  expect([...there.slice(-3, -1)]).toEqual([10, 0]);
  for (let i = 3; i + 3 < there.length; i += 6) expect(there.slice(i, i + 3)).toEqual(there.slice(i + 3, i + 6));
  const middle = (p: Float32Array) => p[p.length / 2 + 1]!;
  expect(middle(there)).toBeGreaterThan(0.5);
  expect(middle(back)).toBeLessThan(-0.5);
});
