import { expect, test } from "vitest";
import { maxViewers, parseSnapshot } from "./snapshot.ts";

const sample = {
  now: "2026-03-01T12:00:00Z",
  seconds: 12.5,
  mode: "live",
  format: "dash",
  integrity: "signed",
  viewers: [
    {
      id: "a1", name: "viewer 1", seed: false, playing: true, links: 2, peers: ["b2", "c3"],
      origin_bytes: 10, peer_bytes: 90, consumed_bytes: 100, uploaded_bytes: 50, stalls: 1, stall_ms: 20,
      latency_ms: 6100, delivery_ms: { p50: 80, p95: 210 }, pieces_rejected: 3, banned: 1,
    },
  ],
  totals: {
    origin_bytes: 10, peer_bytes: 90, consumed_bytes: 100, offload: 0.9, ideal_offload: 0.95,
    origin_copies: 1.01, stalls: 1, delivery_ms: { p50: 80, p95: 210, max: 400 },
  },
  streams: { dash: "http://h/live/manifest.mpd", hls: "http://h/live/master.m3u8" },
};

test("every field of the contract is read", () => {
  expect(parseSnapshot(JSON.stringify(sample))).toEqual({
    now: "2026-03-01T12:00:00Z",
    seconds: 12.5,
    mode: "live",
    format: "dash",
    integrity: "signed",
    viewers: [
      {
        id: "a1", name: "viewer 1", seed: false, playing: true, links: 2, peers: ["b2", "c3"],
        originBytes: 10, peerBytes: 90, consumedBytes: 100, uploadedBytes: 50, stalls: 1, stallMs: 20,
        latencyMs: 6100, delivery: { p50: 80, p95: 210, max: 0 }, piecesRejected: 3, banned: 1,
      },
    ],
    totals: {
      originBytes: 10, peerBytes: 90, consumedBytes: 100, offload: 0.9, idealOffload: 0.95,
      originCopies: 1.01, stalls: 1, delivery: { p50: 80, p95: 210, max: 400 },
    },
    streams: { dash: "http://h/live/manifest.mpd", hls: "http://h/live/master.m3u8" },
  });
});

test.each(["", "{", "null", "[]", "7", '"x"'])("%j is no snapshot", (json) => {
  expect(parseSnapshot(json)).toBeUndefined();
});

test("missing and mistyped fields become empty", () => {
  const s = parseSnapshot('{"seconds":"12","viewers":[null,{"id":"x","links":"many","peers":{}}],"totals":[],"streams":3}');
  expect(s?.seconds).toBe(0);
  expect(s?.viewers.map((v) => [v.name, v.links, v.peers])).toEqual([["", 0, []], ["x", 0, []]]);
  expect(s?.totals.offload).toBe(0);
  expect(s?.streams).toEqual({ dash: "", hls: "" });
});

test("viewers are capped", () => {
  const of = (n: number) => parseSnapshot(JSON.stringify({ viewers: Array.from({ length: n }, (_, i) => ({ id: `v${i}` })) }));
  expect(of(maxViewers)?.viewers).toHaveLength(maxViewers);
  expect(of(maxViewers + 1)?.viewers).toHaveLength(maxViewers);
});
