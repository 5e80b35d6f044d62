// When the brain wants to be called next (swarm/timer.go).
import type { Time } from "./time.ts";
import type { Item } from "./item.ts";

/** Why a Tick is wanted. */
export enum Reason {
  /** The next round of an origin election. */
  Elect = 1,
  /** A source that sends nothing must be replaced. */
  Stall,
  /** The origin must be asked now to be in time. */
  Deadline,
  /** The origin failed and may be asked again. */
  Retry,
  /** Nobody needs the key any more. */
  Expire,
  /** Upload budget has refilled. */
  Upload,
  /** Too few or too many peers. */
  Govern,
  /** Gained and lost keys are told to neighbours. */
  Gossip,
  /** Pieces that came are told to neighbours. */
  Tell,
}

export interface Timer {
  at: Time;
  why: Reason;
  /** Absent for the brain's own timers. */
  item: Item | undefined;
  /** In the heap, -1 when not set. */
  index: number;
  order: number;
}

/**
 * A heap ordered by time, then by when the timer was made, so that two brains fed
 * the same inputs tick in the same order.
 */
export class Timers {
  private heap: Timer[] = [];
  private made = 0;

  add(why: Reason, item?: Item): Timer {
    return { at: 0, why, item, index: -1, order: ++this.made };
  }

  set(t: Timer, at: Time, why: Reason): void {
    t.why = why;
    t.at = at;
    if (t.index < 0) t.index = this.heap.push(t) - 1;
    this.settle(t);
  }

  clear(t: Timer): void {
    const last = t.index < 0 ? t : this.heap.pop()!;
    if (last !== t) {
      last.index = t.index;
      this.settle(last);
    }
    t.index = -1;
  }

  first(): Timer | undefined {
    return this.heap[0];
  }

  /** Moves a timer up or down to its place. */
  private settle(t: Timer): void {
    const h = this.heap;
    let i = t.index;
    for (let up; i && before(t, h[(up = (i - 1) >> 1)]!); i = up) (h[i] = h[up]!).index = i;
    for (let down; (down = 2 * i + 1) < h.length; i = down) {
      if (down + 1 < h.length && before(h[down + 1]!, h[down]!)) down++;
      if (before(t, h[down]!)) break;
      (h[i] = h[down]!).index = i;
    }
    h[i] = t;
    t.index = i;
  }
}

const before = (a: Timer, b: Timer) => a.at < b.at || (a.at === b.at && a.order < b.order);
