import { expect, test } from "vitest";
import { slices, type Arrival } from "./strip.ts";

const arrival = (sources: Partial<Arrival["sources"]>, peers: Record<string, number> = {}): Arrival => ({
  key: "p/v/1", bytes: 100, peers, sources: { memory: 0, disk: 0, peer: 0, origin: 0, ...sources },
});

test("a segment is cut by where its bytes came from, and by peer", () => {
  expect(slices(arrival({ origin: 20, peer: 60, memory: 10, disk: 10 }, { b: 40, a: 20 }))).toEqual([
    { from: "origin", share: 0.2 }, { from: "memory", share: 0.2 }, { from: "a", share: 0.2 }, { from: "b", share: 0.4 },
  ]);
});

test("bytes of unnamed peers are still peers' bytes", () => {
  expect(slices(arrival({ peer: 50, origin: 50 }, { a: 25 }))).toEqual([
    { from: "origin", share: 0.5 }, { from: "a", share: 0.25 }, { from: "?", share: 0.25 },
  ]);
});

test("an empty segment has no slices", () => expect(slices(arrival({}))).toEqual([]));
