import { expect, test } from "vitest";
import { MaxRun } from "./limits.ts";
import { keysOf, runs } from "./run.ts";

test("consecutive numbers of a track are one run, other keys stand alone", () => {
  expect(runs(["v/11", "v/init", "a/3", "v/9", "v/10", "v/t90000", "a/5"])).toEqual([
    { key: "a/3", count: 1 },
    { key: "a/5", count: 1 },
    { key: "v/9", count: 3 },
    { key: "v/init", count: 1 },
    { key: "v/t90000", count: 1 },
  ]);
});

test("numbers past 2^53 are exact, leading zeros and 2^63 are no plain numbers", () => {
  expect(runs(["v/9007199254740993", "v/9007199254740992", "v/007", "v/9223372036854775808"])).toEqual([
    { key: "v/9007199254740992", count: 2 },
    { key: "v/007", count: 1 },
    { key: "v/9223372036854775808", count: 1 },
  ]);
  expect([...keysOf({ key: "v/9007199254740992", count: 2 })]).toEqual(["v/9007199254740992", "v/9007199254740993"]);
});

test("a run has MaxRun keys at most, however it is told", () => {
  const keys = Array.from({ length: MaxRun + 1 }, (_, i) => `v/${i}`);
  expect(runs(keys).map((r) => r.count)).toEqual([MaxRun, 1]);
  expect([...keysOf({ key: "v/0", count: MaxRun })].length).toBe(MaxRun);
  expect([...keysOf({ key: "v/0", count: MaxRun + 1 })].length).toBe(MaxRun);
  expect([...keysOf({ key: "v/init", count: 5 })]).toEqual(["v/init"]);
});
