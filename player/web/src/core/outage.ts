// The time in which the origin fails, and a while after it (swarm/outage.go).
import { type Core, note } from "./core.ts";
import { electionStart } from "./elect.ts";
import { FetchError } from "./input.ts";
import type { Item } from "./item.ts";
import { jitter } from "./candidates.ts";
import { freshFor, lastRetry, maxElected } from "./origin.ts";
import { byDeadline } from "./peer.ts";
import { before } from "./source.ts";
import { type Duration, type Time, millisecond, second } from "./time.ts";
import { Reason } from "./timer.ts";
import { wake } from "./want.ts";

/**
 * A time in which the origin fails. All players wait for the same segments then, and if all
 * peers asked for them whenever they can, and at once when it is back, it would fail again.
 * So a few try it, for the segment that is due first, and pass on what comes.
 */
export interface Outage {
  on: boolean;
  began: Time;
  /** After which this peer tries again on its own account. */
  patience: Duration;
  /** The last one, 0: there was none. */
  ended: Time;
  /** When all is as usual again. */
  over: Time;
}

/**
 * Rounds of an election are the last ones while the origin fails: up to sixteen peers try
 * it, each every five seconds at last.
 */
export const outageRounds = 2;
/**
 * How long after an outage the swarm is given to bring what players have been waiting for,
 * and up to as long again, so that not all ask at once then.
 */
const recoveryTime = 4 * second;
/**
 * How long after each other the segments that were held up are elected for, the one due
 * first at once: it takes a swarm about a second to pass one on.
 */
const recoveryStep = 500 * millisecond;
/** How long, with jitter, a peer leaves it to others to try: the trouble may be its own. */
const ownRetry = 20 * second;
/** Up to how many peers wait no longer than that; in larger swarms it is as many times as long, three at most. */
const ownSize = 300;

/** Whether an outage is going on, or was a moment ago. */
const recovering = ({ outage, now }: Core): boolean => outage.on || now < outage.over;

/** Books an error of the origin: two for one segment are an outage, unless it may not be there yet. */
export function failed(c: Core, it: Item, e: FetchError): void {
  const { outage } = c;
  if (e !== FetchError.Temporary || !it.failures || c.now < it.need.available + freshFor || outage.on) return;
  const crowd = Math.min(Math.max(c.size, ownSize), 3 * ownSize);
  outage.on = true;
  outage.began = c.now;
  outage.patience = Math.trunc(jitter(c, ownRetry) / ownSize) * crowd;
  if (__EXPLAIN__) note(c, "the origin fails");
}

/** Ends an outage: the origin has sent something, here or, as is heard, to somebody else. */
export function originBack(c: Core): void {
  const { outage } = c;
  if (!outage.on) return;
  outage.on = false;
  outage.ended = c.now;
  outage.over = c.now + recoveryTime / 2 + jitter(c, recoveryTime);
  if (__EXPLAIN__) note(c, "the origin is back");
  if (c.seededAt > 0) c.seededAt = c.now; // a seed that was there before is back as well
  const missed = [...c.items.values()].filter((it) => it.wanted && !it.whole && it.need.available <= c.now).sort(byDeadline);
  missed.forEach((it, i) => {
    it.failures = 0;
    it.retryAt = Math.min(it.retryAt, Math.max(c.now, it.asideTill));
    it.electFrom = Math.max(it.electFrom, electionStart(c, it.need) + i * recoveryStep);
    wake(c, it, c.now, Reason.Retry);
  });
}

/** A seed is fetching enough: what was held up comes a few at a time, as it is due. */
export const queues = (c: Core): boolean => __SEEDS__ && c.cfg.seed && recovering(c) && c.fetches >= maxElected;

/**
 * A segment is left to those who try the origin for all: the player has stopped already,
 * neighbours wait for the same, and what they wait for was held up by an outage. When the
 * swarm had its time, the first one that the player waits for is asked for; the others are
 * not due before it plays, whatever was thought before.
 */
export function excused(c: Core, it: Item): boolean {
  const { outage, now } = c;
  if ((!outage.on && now >= outage.over + recoveryTime) || !it.reserved.length || (__SEEDS__ && c.cfg.seed)) return false;
  const first = foremost(c, it.track);
  if (!first || first.need.deadline <= 0 || now < first.need.deadline) return false;
  if (outage.on) return now < ownTurn(c, it);
  return it.need.available < outage.ended && (recovering(c) || it !== first);
}

/** When to look again at an excused segment. */
export const excuseEnds = (c: Core, it: Item): Time =>
  c.outage.on ? ownTurn(c, it) : recovering(c) ? c.outage.over : c.now + lastRetry;

/** When a peer tries a failing origin although others do. */
const ownTurn = ({ outage }: Core, it: Item): Time => Math.max(it.fetchAt, outage.began) + outage.patience;

/**
 * The segment of a track that is due first of those that could be had: the player may have
 * given one up, so what it asks for comes before others.
 */
export function foremost(c: Core, track: string): Item | undefined {
  let first: Item | undefined;
  for (const it of c.items.values())
    if (it.track === track && it.wanted && !it.whole && !it.dead && it.need.fetchable && it.need.available <= c.now && (!first || (it.need.asked === first.need.asked ? before(it, first) : it.need.asked)))
      first = it;
  return first;
}
