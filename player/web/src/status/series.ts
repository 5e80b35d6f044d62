// The offload curve: what the page remembers of past snapshots.

import type { Snapshot } from "./snapshot.ts";

/** Ten minutes at one snapshot a second. */
export const maxPoints = 600;

/** Seconds over which recent offload is measured: five segments of 2 s. */
export const recentSeconds = 10;

export interface Point {
  seconds: number; // since the demo started
  originBytes: number;
  consumedBytes: number;
}

/** Adds a snapshot. A clock that went back means the demo was restarted. */
export function append(points: readonly Point[], s: Snapshot): Point[] {
  const last = points.at(-1);
  const kept = last !== undefined && s.seconds < last.seconds ? [] : points.filter((p) => p.seconds < s.seconds);
  const point = { seconds: s.seconds, originBytes: s.totals.originBytes, consumedBytes: s.totals.consumedBytes };
  return [...kept, point].slice(-maxPoints);
}

/**
 * Offload over the last recentSeconds before each point,
 * 1 − Δorigin / Δconsumed, from 0 to 1. Points without consumption are left out.
 */
export function recentOffload(points: readonly Point[]): [seconds: number, offload: number][] {
  const curve: [number, number][] = [];
  let from = 0;
  points.forEach((p, i) => {
    while (from < i - 1 && p.seconds - points[from + 1]!.seconds >= recentSeconds) from++;
    const base = points[from]!;
    const consumed = p.consumedBytes - base.consumedBytes;
    if (consumed <= 0) return;
    const offload = 1 - (p.originBytes - base.originBytes) / consumed;
    curve.push([p.seconds, Math.min(1, Math.max(0, offload))]);
  });
  return curve;
}
