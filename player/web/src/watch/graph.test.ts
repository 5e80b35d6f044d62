import { expect, test } from "vitest";
import { maxDrawn, spokes, type Link } from "./graph.ts";

const link = (peer: string, rttMs: number, receivedBytes = 0): Link => ({ peer, seed: false, rttMs, receivedBytes, sentBytes: 0 });
const reach = (s: { x: number; y: number }) => Math.hypot(s.x - 150, s.y - 150);

test("near neighbours are nearer, and nobody leaves the picture", () => {
  const [near, far, lost] = spokes([link("a", 1), link("b", 900), link("c", 1e9)], 300, 300);
  expect(reach(near!)).toBeLessThan(reach(far!));
  expect(reach(far!)).toBeLessThanOrEqual(reach(lost!));
  expect(reach(lost!)).toBeLessThanOrEqual(150 - 34 + 1e-9);
});

test("the width of a line is its share of what came", () => {
  const [a, b] = spokes([link("a", 1, 300), link("b", 1, 100)], 300, 300);
  expect([a!.width, b!.width]).toEqual([7, 3]);
  expect(spokes([link("a", 1)], 300, 300)[0]!.width).toBe(1);
});

test("neighbours keep their order, and there is an end to them", () => {
  const many = Array.from({ length: 50 }, (_, i) => link(String(99 - i), 5));
  const drawn = spokes(many, 300, 300);
  expect(drawn).toHaveLength(maxDrawn);
  expect(drawn.map((s) => s.peer)).toEqual([...drawn.map((s) => s.peer)].sort());
});
