// The upload budget (swarm/bucket.go): tokens(t) = min(burst, tokens + rate·Δt), one
// token a byte, burst one piece and what leaves in queueTime. A longer one would stand in
// a queue that no piece overtakes, from the first burst of a segment to its end.
import { PieceSize } from "./limits.ts";
import { millisecond, second, seconds, type Time } from "./time.ts";
import { queueTime } from "./uplink.ts";

/**
 * What acknowledging a piece takes of the uplink: SCTP answers every second packet of 1200
 * bytes, with 107 bytes on the wire.
 */
export const ackBytes = 730;
/**
 * What a message to one neighbour takes: a packet with the headers of IP, UDP, DTLS and SCTP
 * around some thirty bytes.
 */
export const messageBytes = 135;

export class Bucket {
  /** bit/s, 0 no cap. */
  rate = 0;
  private tokens = 0;
  private last: Time = 0;

  /** How many of n pieces may go now. */
  pieces(now: Time, n: number): number {
    if (!this.rate) return n;
    const burst = PieceSize + (this.rate / 8) * seconds(queueTime);
    this.tokens = Math.min(burst, this.tokens + (this.rate / 8) * seconds(now - this.last));
    this.last = now;
    return Math.min(n, Math.max(0, Math.trunc(this.tokens / PieceSize)));
  }

  /**
   * Books bytes that leave whatever is left, a second's worth at most. A narrow uplink that
   * did not count them would have a queue before long, and the player's own requests would
   * wait in it.
   */
  spend(bytes: number): void {
    if (this.rate) this.tokens = Math.max(this.tokens - bytes, -this.rate / 8);
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
