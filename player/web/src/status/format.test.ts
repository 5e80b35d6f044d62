import { describe, expect, test } from "vitest";
import { bytes, clock, milliseconds, percent } from "./format.ts";

describe("bytes", () => {
  test.each([
    [-5, "0 B"],
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.00 kB"],
    [9994, "9.99 kB"],
    [9996, "10.0 kB"],
    [123456, "123 kB"],
    [999499, "999 kB"],
    [999500, "1.00 MB"],
    [5565051, "5.57 MB"],
    [3e18, "3000 PB"],
  ])("%d is %s", (count, text) => expect(bytes(count)).toBe(text));
});

test.each([
  [0, "0.0 %"],
  [0.8333, "83.3 %"],
  [-0.05, "-5.0 %"],
  [NaN, "–"],
])("share %d is %s", (share, text) => expect(percent(share)).toBe(text));

test.each([
  [0, "0 ms"],
  [84.4, "84 ms"],
  [999.4, "999 ms"],
  [999.6, "1.00 s"],
  [2350, "2.35 s"],
])("%d ms is %s", (ms, text) => expect(milliseconds(ms)).toBe(text));

test.each([
  [-1, "0:00"],
  [7.9, "0:07"],
  [754, "12:34"],
  [3723, "1:02:03"],
])("%d s is %s", (seconds, text) => expect(clock(seconds)).toBe(text));
