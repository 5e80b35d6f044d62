// The row of large numbers, as data.

import { bytes, milliseconds, percent } from "./format.ts";
import type { Snapshot } from "./snapshot.ts";

export interface Figure {
  name: string;
  value: string;
  beside: string; // a smaller line that puts the value in proportion
  verdict: "good" | "bad" | "";
}

export function figures(s: Snapshot): Figure[] {
  const t = s.totals;
  const watching = s.viewers.filter((v) => !v.seed).length;
  const seeds = s.viewers.length - watching;
  const rejected = s.viewers.reduce((sum, v) => sum + v.piecesRejected, 0);
  return [
    {
      name: "Offload", value: percent(t.offload), beside: `${percent(t.idealOffload)} is ideal`,
      // The project's own bar: 0.90 of ideal without a seed, 0.97 with one.
      verdict: t.consumedBytes === 0 ? "" : t.offload >= (seeds > 0 ? 0.97 : 0.9) * t.idealOffload ? "good" : "bad",
    },
    { name: "Origin copies", value: t.originCopies.toFixed(2), beside: "times a segment left it", verdict: "" },
    { name: "Stalls", value: String(t.stalls), beside: "all viewers", verdict: t.stalls > 0 ? "bad" : "good" },
    { name: "Delivery", value: milliseconds(t.delivery.p95), beside: `p95; median ${milliseconds(t.delivery.p50)}`, verdict: "" },
    { name: "Played", value: bytes(t.consumedBytes), beside: `${bytes(t.originBytes)} from the origin`, verdict: "" },
    { name: "Viewers", value: String(watching), beside: seeds === 1 ? "and a seed" : seeds > 1 ? `and ${seeds} seeds` : "and no seed", verdict: "" },
    { name: "Integrity", value: s.integrity || "–", beside: `${rejected} pieces rejected`, verdict: rejected > 0 ? "bad" : "" },
  ];
}
