// The upload budget (swarm/bucket.go): tokens(t) = min(burst, tokens + rate·Δt), one
// token a byte, burst a quarter of a second.
import { PieceSize } from "./limits.ts";
import { millisecond, second, seconds, type Time } from "./time.ts";

export class Bucket {
  /** bit/s, 0 no cap. */
  rate = 0;
  private tokens = 0;
  private last: Time = 0;

  /** How many of n pieces may go now. */
  pieces(now: Time, n: number): number {
    if (!this.rate) return n;
    const burst = Math.max(this.rate / 32, PieceSize);
    this.tokens = Math.min(burst, this.tokens + (this.rate / 8) * seconds(now - this.last));
    this.last = now;
    return Math.min(n, Math.trunc(this.tokens / PieceSize));
  }

  take(n: number): void {
    if (this.rate) this.tokens -= n * PieceSize;
  }

  /** When one piece may go again. */
  ready(now: Time): Time {
    const need = PieceSize - this.tokens;
    return now + Math.max(millisecond, Math.trunc((need / (this.rate / 8)) * second));
  }
}
