import { expect, test } from "vitest";
import { append, maxPoints, recentOffload, type Point } from "./series.ts";
import { parseSnapshot, type Snapshot } from "./snapshot.ts";

const at = (seconds: number, origin = 0, consumed = 0): Snapshot =>
  parseSnapshot(JSON.stringify({ seconds, totals: { origin_bytes: origin, consumed_bytes: consumed } }))!;

test("points are kept in order, one a moment, the newest maxPoints", () => {
  let points: Point[] = [];
  for (let i = 0; i < maxPoints + 5; i++) points = append(points, at(i));
  expect(points).toHaveLength(maxPoints);
  expect(points[0]?.seconds).toBe(5);
  points = append(points, at(maxPoints + 4, 7));
  expect(points).toHaveLength(maxPoints);
  expect(points.at(-1)?.originBytes).toBe(7);
});

test("a restarted demo starts a new curve", () => {
  const points = append(append([], at(100)), at(1));
  expect(points.map((p) => p.seconds)).toEqual([1]);
});

test("recent offload forgets the start", () => {
  let points: Point[] = [];
  // Ten seconds from the origin only, then everything from peers.
  for (let i = 0; i <= 10; i++) points = append(points, at(i, i * 100, i * 100));
  for (let i = 11; i <= 30; i++) points = append(points, at(i, 1000, i * 100));
  const curve = new Map(recentOffload(points));
  expect(curve.has(0)).toBe(false);
  expect(curve.get(10)).toBe(0);
  expect(curve.get(15)).toBeCloseTo(0.5);
  expect(curve.get(20)).toBe(1);
  expect(curve.get(30)).toBe(1);
});

test("offload stays within 0 and 1 while fetches run ahead of playing", () => {
  const points = append(append([], at(0)), at(1, 500, 100));
  expect(recentOffload(points)).toEqual([[1, 0]]);
});
