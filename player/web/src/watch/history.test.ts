import { expect, test } from "vitest";
import { kept, remember, series, type Sample } from "./history.ts";

const sample = (at: number, originBytes = 0, peerBytes = 0): Sample => ({
  at, buffer: 5, latency: 6, originBytes, peerBytes, consumedBytes: originBytes + peerBytes,
});

test("rates are per second and offload is over ten", () => {
  const s = series([sample(0), sample(1, 100_000), sample(2, 100_000, 300_000), sample(20, 100_000, 300_000)]);
  expect(s.origin).toEqual([null, 100, 0, 0]);
  expect(s.peers).toEqual([null, 0, 300, 0]);
  expect(s.offload).toEqual([null, 0, 75, null]);
});

test("there is no latency in VOD", () => expect(series([{ ...sample(0), latency: NaN }]).latency).toEqual([null]));

test("two minutes are remembered", () => {
  let samples: Sample[] = [];
  for (let i = 0; i < kept + 5; i++) samples = remember(samples, sample(i));
  expect(samples).toHaveLength(kept);
  expect(samples[0]!.at).toBe(5);
});
