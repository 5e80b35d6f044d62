// How long bytes were actually arriving. A quality switch must be decided by how fast
// bytes come, not by how long a segment was waited for: one that peers bring piece by
// piece as the origin makes it would look slow, and one that is here looks infinitely
// fast.

/** A gap longer than this much of the usual one, and than MinGap, is waiting, not transfer. */
const GapFactor = 4;
/** Milliseconds. */
const MinGap = 20;
/** Weight of the newest gap in the running mean. */
const Weight = 0.25;

export class ArrivalClock {
  private last = -1;
  private mean = 0;
  private active = 0;
  private bytes = 0;

  /** Notes that bytes came at `now`, ms. */
  came(bytes: number, now: number): void {
    this.bytes += bytes;
    if (this.last >= 0) {
      const limit = Math.max(MinGap, this.mean * GapFactor);
      const gap = Math.min(now - this.last, limit);
      this.active += gap;
      this.mean += (gap - this.mean) * Weight;
    }
    this.last = now;
  }

  /**
   * Milliseconds that a transfer of `bytes` takes at the rate that was measured; the
   * first arrival has no gap before it, so it is given its share.
   */
  time(bytes: number): number {
    return this.bytes ? (this.active * bytes) / this.bytes : 0;
  }
}
