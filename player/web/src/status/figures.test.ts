import { expect, test } from "vitest";
import { figures } from "./figures.ts";
import { parseSnapshot } from "./snapshot.ts";

const of = (over: object) => {
  const s = parseSnapshot(JSON.stringify(over))!;
  return new Map(figures(s).map((f) => [f.name, f]));
};

test("an empty demo passes no judgement on offload", () => {
  expect(of({}).get("Offload")).toMatchObject({ value: "0.0 %", verdict: "" });
  expect(of({}).get("Viewers")).toMatchObject({ value: "0", beside: "and no seed" });
});

test.each([
  [true, 0.96, "bad"],
  [true, 0.971, "good"],
  [false, 0.89, "bad"],
  [false, 0.96, "good"],
])("with seed %s an offload of %d of ideal is %s", (seed, offload, verdict) => {
  const totals = { offload, ideal_offload: 1, consumed_bytes: 1 };
  expect(of({ totals, viewers: seed ? [{ id: "s", seed: true }] : [] }).get("Offload")?.verdict).toBe(verdict);
});

test("viewers and seeds are counted apart", () => {
  const viewers = [{ id: "s", seed: true }, { id: "a", pieces_rejected: 2 }, { id: "b", pieces_rejected: 1 }];
  expect(of({ viewers }).get("Viewers")).toMatchObject({ value: "2", beside: "and a seed" });
  expect(of({ viewers }).get("Integrity")).toMatchObject({ beside: "3 pieces rejected", verdict: "bad" });
});

test("a stall is bad", () => {
  expect(of({ totals: { stalls: 1 } }).get("Stalls")?.verdict).toBe("bad");
});
