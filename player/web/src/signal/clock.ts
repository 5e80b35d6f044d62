// Estimates the server's clock (signal/PROTOCOL.md, Pong; signal/clocksync.go). Times are
// in microseconds since 1970, as on the wire.

/** How many samples are chosen from: about four minutes of pings. */
const Samples = 8;
/** The largest correction that `now` hides by standing still, µs. Larger ones are jumped. */
const Rewind = 250_000;

/** The local clock, which steps of the wall clock do not move. */
export const localMicros = (): number => Math.round((performance.timeOrigin + performance.now()) * 1000);

export class ClockSync {
  private samples: { offset: number; rtt: number }[] = [];
  private offset = 0;
  private last = 0;
  private readonly local: () => number;

  constructor(local = localMicros) {
    this.local = local;
  }

  /** Forgets the samples (another server, another path) but not the offset. */
  reset(): void {
    this.samples = [];
  }

  /**
   * offset = ((received − sent) + (answered − arrived)) / 2; its error is at most half
   * of rtt = (arrived − sent) − (answered − received), so the least rtt counts.
   */
  add(sent: number, received: number, answered: number, arrived = this.local()): void {
    const rtt = arrived - sent - (answered - received);
    if (rtt < 0 || answered < received) return; // stale or made up
    this.samples.push({ offset: (received - sent + answered - arrived) / 2, rtt });
    if (this.samples.length > Samples) this.samples.shift();
    this.offset = this.samples.reduce((best, s) => (s.rtt <= best.rtt ? s : best)).offset;
  }

  /** The server's clock. Small corrections never turn it back. */
  now(): number {
    const now = this.local() + this.offset;
    const back = this.last - now;
    if (back <= 0 || back > Rewind) this.last = now;
    return this.last;
  }
}
