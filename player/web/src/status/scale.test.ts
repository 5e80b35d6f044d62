import { expect, test } from "vitest";
import { linear, pairs, path, ring, ticks } from "./scale.ts";

test("linear maps ends to ends, also upside down", () => {
  const y = linear(0, 1, 100, 20);
  expect([y(0), y(0.5), y(1)]).toEqual([100, 60, 20]);
  expect(linear(3, 3, 7, 9)(3)).toBe(7);
});

test.each([
  [0, [0]],
  [NaN, [0]],
  [Infinity, [0]],
  [1, [0, 0.5, 1]],
  [7, [0, 5, 10]],
  [100, [0, 50, 100]],
  [101, [0, 100, 200]],
])("ticks up to %d", (max, want) => expect(ticks(max, 2)).toEqual(want));

test("ticks always reach the maximum", () => {
  for (let max = 0.001; max < 1e9; max *= 1.7) {
    const all = ticks(max, 4);
    expect(all.at(-1)).toBeGreaterThanOrEqual(max * (1 - 1e-9));
    expect(all.length).toBeLessThanOrEqual(6);
  }
});

test("path", () => {
  expect(path([])).toBe("");
  expect(path([[0, 1], [2.04, 3.06]])).toBe("M0.0 1.0L2.0 3.1");
});

test("ring starts at the top and stays inside the margin", () => {
  const places = ring(4, 200, 100, 10);
  expect(places[0]?.map(Math.round)).toEqual([100, 10]);
  expect(places[1]?.map(Math.round)).toEqual([190, 50]);
  for (const [x, y] of ring(17, 200, 100, 10)) {
    expect(x).toBeGreaterThanOrEqual(10);
    expect(x).toBeLessThanOrEqual(190);
    expect(y).toBeGreaterThanOrEqual(10);
    expect(y).toBeLessThanOrEqual(90);
  }
});

test("each link counts once, unknown peers and oneself not at all", () => {
  const nodes = [
    { id: "a", peers: ["b", "c", "a", "gone"] },
    { id: "b", peers: ["a"] },
    { id: "c", peers: ["b"] },
  ];
  expect(pairs(nodes)).toEqual([[0, 1], [0, 2], [1, 2]]);
});
