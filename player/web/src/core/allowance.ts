// How many messages of a kind may still come (swarm/allowance.go): it starts full and
// fills up again at a steady rate.
import { type Time, second } from "./time.ts";

export interface Allowance {
  left: number;
  at: Time;
}

/**
 * Uses up one of what is left; false when there is none:
 *
 *     left = min(burst, left + perSecond × seconds since the last)
 */
export function take(a: Allowance, now: Time, burst: number, perSecond: number): boolean {
  a.left = Math.min(burst, a.left + (perSecond * (now - a.at)) / second);
  a.at = now;
  return a.left >= 1 && !!a.left--;
}
