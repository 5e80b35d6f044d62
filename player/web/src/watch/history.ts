// What the page remembers: one sample a second.

export interface Sample {
  /** Seconds since the page was opened. */
  at: number;
  /** Seconds of media ahead of the play head. */
  buffer: number;
  /** Seconds behind the live edge; NaN in VOD. */
  latency: number;
  originBytes: number;
  peerBytes: number;
  consumedBytes: number;
}

/** Two minutes. */
export const kept = 120;

/** Seconds over which offload is measured: five segments of 2 s. */
export const recent = 10;

export function remember(samples: readonly Sample[], s: Sample): Sample[] {
  return [...samples, s].slice(-kept);
}

/** Columns for uPlot; null is a gap in a line. */
export interface Series {
  at: number[];
  buffer: number[];
  latency: (number | null)[];
  /** kB/s over the last second. */
  origin: (number | null)[];
  peers: (number | null)[];
  /** Percent over the last ten seconds: 1 − Δorigin / Δconsumed. */
  offload: (number | null)[];
}

export function series(samples: readonly Sample[]): Series {
  const rate = (i: number, field: "originBytes" | "peerBytes"): number | null => {
    const [now, before] = [samples[i]!, samples[i - 1]];
    return before && now.at > before.at ? Math.max(0, now[field] - before[field]) / 1000 / (now.at - before.at) : null;
  };
  const offload = (i: number): number | null => {
    const now = samples[i]!;
    const before = samples.find((s) => now.at - s.at <= recent)!;
    const consumed = now.consumedBytes - before.consumedBytes;
    if (consumed <= 0) return null;
    return 100 * Math.min(1, Math.max(0, 1 - (now.originBytes - before.originBytes) / consumed));
  };
  const all = <T>(f: (i: number) => T): T[] => samples.map((_, i) => f(i));
  return {
    at: samples.map((s) => s.at),
    buffer: samples.map((s) => s.buffer),
    latency: samples.map((s) => (Number.isFinite(s.latency) ? s.latency : null)),
    origin: all((i) => rate(i, "originBytes")),
    peers: all((i) => rate(i, "peerBytes")),
    offload: all(offload),
  };
}
