// How fast pieces leave this peer, and who gets how much of that (swarm/uplink.go).
import { type Core } from "./core.ts";
import { weakUplink } from "./elect.ts";
import { PieceSize } from "./limits.ts";
import { ownUplink } from "./mute.ts";
import type { Peer } from "./peer.ts";
import { type Duration, type Time, millisecond, second, seconds } from "./time.ts";

/** How long pieces must have been waiting to leave, all the time, for a reading of the uplink. */
const uplinkWindow = 500 * millisecond;
/**
 * Enough where quickPieces left in it, 1 MiB: a fast uplink is seldom busy for longer.
 */
const quickWindow = 200 * millisecond;
const quickPieces = 64;
/**
 * How much of the uplink's time may be handed to links at once: more would make urgent
 * pieces wait, and pieces that are no longer wanted leave.
 */
export const queueTime = 50 * millisecond;
// Bounds of the pieces that are handed to links at a time.
const fewestLanes = 2;
/** While the uplink is unknown. */
const firstLanes = 4;
const mostLanes = 64;
/**
 * The soonest, and while the uplink is unknown firstStale, when a piece that has not left
 * is a matter of its link, not of the uplink: it no longer counts, so that a dead neighbour
 * holds up nobody else.
 */
const staleLane = 300 * millisecond;
const firstStale = second;
/** The rate, in bit/s, for each of which a receiver weighs one more. */
const strongUplink = 5e6;
/** The largest weight: who claims a fast uplink gets no more than that. */
const mostWeight = 4;
/** The least time between two words on this peer's uplink. */
export const tellUplinkEvery = 5 * second;

/**
 * Measures how fast pieces leave. Only the sum over all links counts, and only while
 * something waits all the time: a slow neighbour does not look like a slow uplink.
 */
export interface Uplink {
  /** Something has been waiting since then. */
  since: Time;
  /** Pieces that left since. */
  sent: number;
  /** Pieces a second, 0 unknown. */
  rate: number;
  /** The rate neighbours know. */
  told: number;
  /** When they were told. */
  at: Time;
}

export const newUplink = (): Uplink => ({ since: 0, sent: 0, rate: 0, told: 0, at: 0 });

/** Books pieces that left; busy says whether more are waiting. */
export function left(u: Uplink, now: Time, n: number, busy: boolean): void {
  u.sent += n;
  const d = now - u.since;
  if (busy && d < uplinkWindow && (d < quickWindow || u.sent < quickPieces)) return;
  if (busy) u.rate = Math.max(u.sent / seconds(d), 0.8 * u.rate);
  u.since = now;
  u.sent = 0;
}

/** How many pieces may be handed to links and not have left. */
export function lanes({ rate }: Uplink): number {
  if (!rate) return firstLanes;
  return Math.min(Math.max(Math.trunc(rate * seconds(queueTime)), fewestLanes), mostLanes);
}

/** How long what may be handed to links takes to leave; 0 while unknown. */
export const ahead = (u: Uplink): Duration => (u.rate ? Math.trunc((lanes(u) / u.rate) * second) : 0);

/** How long a piece may wait for those before it, twice over. */
export const stale = (u: Uplink): Duration => (u.rate ? Math.max(staleLane, 2 * ahead(u)) : firstStale);

/**
 * Whether uploads wait for what this peer asks the origin for itself. On a weak line, and
 * on one of which nothing is known yet, requests and acknowledgements would stand behind
 * the pieces, and a segment that plain HTTP brings in time would come late.
 */
export const yields = (c: Core): boolean =>
  c.owning > 0 && !(__SEEDS__ && c.cfg.seed) && (ownUplink(c) || Math.trunc(c.uplink.rate * 8 * PieceSize)) < weakUplink;

/**
 * A receiver's part of the uplink beside others: those who can pass on more get more,
 * because from them it reaches everybody sooner; nobody gets nothing.
 */
export const weight = ({ hello }: Peer): number =>
  hello.metered ? 0.5 : Math.min(1 + hello.uplink / strongUplink, mostWeight);
