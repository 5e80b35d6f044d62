// Keeps a client under the limits that the server announced (signal/session_write.go).
import type { Welcome } from "./message.ts";

/** Share of the limits that is used: messages that left evenly may arrive bunched. */
const Share = 0.8;

/** A token bucket; a rate of 0 is no limit. */
class Bucket {
  private level: number;
  private at: number;
  private readonly rate: number;
  private readonly burst: number;

  constructor(perSecond: number, burst: number, now: number) {
    this.rate = perSecond * Share;
    this.burst = Math.max(burst * Share, 1);
    this.level = this.burst;
    this.at = now;
  }

  /** Milliseconds until `n` may go, 0 now. One that is larger than the burst goes from a full bucket. */
  wait(n: number, now: number): number {
    if (!this.rate) return 0;
    this.level = Math.min(this.burst, this.level + ((now - this.at) / 1000) * this.rate);
    this.at = now;
    return Math.max(0, ((Math.min(n, this.burst) - this.level) / this.rate) * 1000);
  }

  take(n: number): void {
    this.level -= Math.min(n, this.burst);
  }
}

/** A queue that lets messages out as the limits allow. */
export class Pace {
  private readonly queue: Uint8Array[] = [];
  private readonly messages: Bucket;
  private readonly bytes: Bucket;
  private readonly out: (message: Uint8Array) => void;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(limits: Welcome["limits"], out: (message: Uint8Array) => void) {
    const now = performance.now();
    this.messages = new Bucket(limits.messagesPerSecond, limits.messageBurst, now);
    this.bytes = new Bucket(limits.bytesPerSecond, limits.byteBurst, now);
    this.out = out;
  }

  get waiting(): number {
    return this.queue.length;
  }

  send(message: Uint8Array): void {
    this.queue.push(message);
    if (this.timer === undefined) this.drain();
  }

  private drain(): void {
    this.timer = undefined;
    for (let next = this.queue[0]; next; next = this.queue[0]) {
      const now = performance.now();
      const wait = Math.max(this.messages.wait(1, now), this.bytes.wait(next.length, now));
      if (wait > 0) {
        this.timer = setTimeout(() => this.drain(), wait);
        return;
      }
      this.messages.take(1);
      this.bytes.take(next.length);
      this.queue.shift();
      this.out(next);
    }
  }

  stop(): void {
    clearTimeout(this.timer);
    this.queue.length = 0;
  }
}
