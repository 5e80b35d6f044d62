// Exponential back-off with full jitter (signal/backoff.go): the n-th delay is uniform in
// [0, min(most, least · 2ⁿ)], so that the clients of a restarted server spread out.

/** Milliseconds. */
export const BackoffLeast = 500;
export const BackoffMost = 30_000;
/** How long a connection must have lasted for the next loss to start over at the shortest delay, ms. */
export const StableAfter = 60_000;

export class Backoff {
  private failures = 0;
  private readonly random: () => number;

  constructor(random: () => number) {
    this.random = random;
  }

  /** The next delay in milliseconds. */
  next(): number {
    return this.random() * Math.min(BackoffMost, BackoffLeast * 2 ** this.failures++);
  }

  reset(): void {
    this.failures = 0;
  }
}
