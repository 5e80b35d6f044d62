// Whose turn it is to ask the origin, and when it is the last moment (swarm/elect.go).
import { type Core } from "./core.ts";
import { Cause } from "./effect.ts";
import { type Item, gap, lacking, of } from "./item.ts";
import type { Key, PeerID } from "./message.ts";
import { growth } from "./flow.ts";
import type { Want } from "./input.ts";
import { ReservationLife } from "./limits.ts";
import { asks, inflow } from "./source.ts";
import { greeting } from "./mute.ts";
import { fetchMissing, hedges, maxElected, startFetch, stretches, wait } from "./origin.ts";
import { excused, foremost, outageRounds, queues } from "./outage.ts";
import { type Duration, type Time, millisecond, second, seconds } from "./time.ts";
import { ahead } from "./uplink.ts";

/**
 * Time kept between the last moment to ask the origin and the deadline, besides the
 * measured origin time.
 */
const margin = 100 * millisecond;

/**
 * Asks the origin for what nobody brings when it is this peer's turn, and for all
 * that is missing when waiting longer could miss the deadline.
 */
export function decideOrigin(c: Core, it: Item): void {
  const { now } = c;
  const { need } = it;
  if (!it.wanted || it.fetching || it.dead || !need.fetchable || now < it.retryAt || now < need.available) return;
  if (__SEEDS__ && queues(c)) return wait(c, it);
  const lonely = !c.links.length;
  if (now >= panicAt(c, it) && !excused(c, it)) {
    const late = hedges(it) ? Cause.Hedge : Cause.Deadline;
    return fetchMissing(c, it, __SEEDS__ && c.cfg.seed ? Cause.Seed : need.urgent ? Cause.Startup : lonely ? Cause.NoPeer : late);
  }
  const open = gap(it);
  if (!open || (c.outage.on && !(__SEEDS__ && c.cfg.seed) && foremost(c, it.track) !== it)) return;
  const fetch = (cause: Cause) => startFetch(c, it, open, cause);
  if (__SEEDS__ && c.cfg.seed) fetch(Cause.Seed);
  else if (need.urgent) fetch(Cause.Startup);
  else if (it.private || lonely) {
    if (need.asked && (it.private || now >= alone(c))) fetch(it.private ? Cause.NotShareable : Cause.NoPeer);
  } else if (now >= Math.max(it.promised, it.electFrom) && !(now < need.whole && (it.flows || inflow(it))) && !provided(c, it) && elected(c, it) && !pressed(c, it)) {
    if (c.fetches >= maxElected) wait(c, it);
    else fetch(Cause.Elected);
  }
}

/**
 * Whether of a film something due before an item is asked of the origin in haste, or may
 * have to be before the origin had brought the item, besides what it is bringing:
 *
 *     panicAt − now < (fetches + 1) × originTime + margin
 *
 * All would come later for it, what is due first included. Live, everybody waits for
 * whoever is elected, and there is little to fetch ahead.
 */
function pressed(c: Core, it: Item): boolean {
  const { deadline, available } = it.need;
  if (available > 0) return false;
  for (const o of c.items.values()) {
    const { need } = o;
    if (o === it || !o.wanted || o.whole || o.dead || !need.fetchable || need.deadline <= 0 || (deadline > 0 && need.deadline >= deadline))
      continue;
    const { cause } = o.fetch;
    const haste = o.fetching ? cause === Cause.Deadline || cause === Cause.Hedge
      : panicAt(c, o) - c.now < (c.fetches + 1) * c.origin.estimate() + margin;
    if (haste) return true;
  }
  return false;
}

/**
 * How long before the last moment to ask the origin nobody is elected for a segment that a
 * neighbour has: of a film, or of a live stream that is watched late.
 */
const calm = 8 * second;

/**
 * Whether a neighbour has what nobody brings of a segment, and there is time to wait until
 * it can send it.
 */
const provided = (c: Core, it: Item): boolean => {
  const left = panicAt(c, it) - c.now;
  return left > calm && left < Infinity &&
    it.sources.some((s) => asks(c, s) && c.now >= s.peer.shunUntil);
};

/**
 * How long a peer without links waits for one, while others are there and the deadline is
 * far, before it asks the origin.
 */
const linkPatience = 2 * second;

/** When a peer without links asks the origin for what it could wait for. */
export const alone = (c: Core): Time => (c.size <= 1 ? 0 : c.lonelyAt + linkPatience);

/**
 * The last moment to ask the origin, Infinity where there is none:
 *
 *     min(deadline − lead, originBy)
 *
 * While a neighbour passes on a growing segment, the origin could not bring its last byte
 * much sooner: it is not asked before min(whole + stallAfter, deadline − margin).
 */
export function panicAt(c: Core, it: Item): Time {
  const { deadline, originBy, whole } = it.need;
  let at = Infinity;
  if (deadline > 0) at = deadline - lead(c, it);
  if (originBy > 0) at = Math.min(at, originBy);
  if (it.flows && growth(it) > 0 && deadline > 0 && inflow(it))
    at = Math.max(at, Math.min(whole + c.cfg.stallAfter, deadline - margin));
  return at;
}

/** The part of the origin's time that does not depend on how much of a segment it is asked for. */
const firstByte = 0.3;

/**
 * How long before a deadline the origin must be asked for what is missing, in as many
 * requests as there are stretches of it:
 *
 *     deadlineSafety × originTime × (stretches × firstByte + (1 − firstByte) × missing / pieces) + margin + ahead
 *
 * but for more than all of the segment at once never.
 */
export function lead(c: Core, it: Item): Duration {
  let share = 1;
  if (it.n > 0) {
    const holes = stretches(it, lacking);
    const pieces = holes.reduce((n, s) => n + s.count, 0);
    share = Math.min(1, firstByte * holes.length + ((1 - firstByte) * pieces) / it.n);
  }
  return Math.trunc(c.cfg.deadlineSafety * share * c.origin.estimate()) + margin + ahead(c.uplink);
}

/**
 * Whether it is this peer's turn:
 *
 *     turn = position < copies  and  (all known or share < copies / N)
 *
 * Peers stand in order of their standing, and within it of hash(key, peer). position is how
 * many known interested neighbours come before us; share is the part of all interested peers
 * that does, as far as the neighbourhood tells. N is the estimated number of peers
 * interested in the track. The weak come after everybody.
 */
function elected(c: Core, it: Item): boolean {
  const mine = standing(it, greeting(c)); // as neighbours know it: they must come to the same order
  const hash = rank(it.key, c.cfg.id);
  let position = 0;
  let interested = 1;
  let better = 0;
  let alike = 1;
  for (const p of c.links) {
    if (!p.greeted) continue;
    const theirs = standing(it, p.hello);
    if (!of(it.reserved, p)) {
      if (theirs === Standing.Seed) position++;
      continue;
    }
    interested++;
    if (theirs < mine) better++;
    if (theirs === mine) alike++;
    if (theirs < mine || (theirs === mine && rank(it.key, p.id) < hash)) position++;
  }
  // They may want it a little later than we do.
  if (mine === Standing.Weak && better && c.now < it.electFrom + it.need.duration) return false;
  const n = interestedPeers(c, interested);
  const wanted = copies(c, it, n);
  if (position >= wanted) return false;
  const share = (better + hash * alike) / interested + (mine === Standing.Weak ? 1 : 0);
  return interested >= 0.9 * n || share < wanted / n;
}

/**
 * The best first. One copy from the origin has to be passed on at once to as many as
 * possible: who can send a segment out in a fraction of its duration brings it to the swarm
 * sooner than who needs all of it.
 */
const enum Standing {
  Seed,
  /** Sends three times what it plays, or more. */
  Strong,
  /** Or not known. */
  Usual,
  /** Less than it plays. */
  Slow,
  /** Metered, or hardly anything. */
  Weak,
}

/** A peer's place in the order of an election. */
function standing(it: Item, h: { seed: boolean; metered: boolean; uplink: number }): Standing {
  const up = h.uplink * seconds(it.need.duration);
  const size = 8 * it.need.size;
  if (h.seed) return Standing.Seed;
  if (isWeak(h)) return Standing.Weak;
  if (up <= 0 || size <= 0) return Standing.Usual;
  return up >= 3 * size ? Standing.Strong : up < size ? Standing.Slow : Standing.Usual;
}

/** How long a seed's word may take through the swarm, in election steps. */
const seedTime = 4;

/**
 * When peers begin to count down to fetching a segment for the swarm: when it can be had,
 * and where a seed brought the last ones, not before its word should have come.
 */
export function electionStart(c: Core, w: Want): Time {
  return Math.max(c.now, w.available + (seeded(c) ? seedTime * c.cfg.electionStep : 0));
}

/** Whether a seed brought one of the last segments. */
const seeded = (c: Core): boolean => c.seededAt > 0 && c.now - c.seededAt < ReservationLife;

/** Books a seed's word. A newcomer has wishes from before it had heard of any. */
export function hearSeed(c: Core): void {
  const news = !seeded(c);
  c.seededAt = c.now;
  if (news)
    for (const it of c.items.values())
      if (it.wanted && !it.whole) it.electFrom = Math.max(it.electFrom, electionStart(c, it.need));
}

// Sixty peers more are worth one copy more, up to four: they have it sooner, for a
// sixtieth of what they play.
const moreCopies = 60;
const mostCopies = 4;

/**
 * How many of n peers should be fetching by now:
 *
 *     originCopies × min(max(1, n / moreCopies), mostCopies) × 2^k,  k = ⌊waited / electionStep⌋
 *
 * While the origin fails, k is outageRounds at most: a few go on trying it for all.
 */
function copies(c: Core, it: Item, n: number): number {
  const k = Math.min(Math.trunc(Math.max(0, c.now - it.electFrom) / c.cfg.electionStep), c.outage.on ? outageRounds : 40);
  return c.cfg.originCopies * Math.min(Math.max(1, n / moreCopies), mostCopies) * 2 ** k;
}

/** When the threshold doubles next. */
export function nextRound(c: Core, it: Item): Time {
  if (c.now < it.electFrom) return it.electFrom;
  const k = Math.trunc((c.now - it.electFrom) / c.cfg.electionStep);
  return it.electFrom + (k + 1) * c.cfg.electionStep;
}

/** Scales the swarm's size by the share of neighbours that reserved the key. */
function interestedPeers(c: Core, interested: number): number {
  const links = c.links.length + 1;
  return Math.max(interested, (Math.max(c.size, links) * interested) / links);
}

/**
 * The upload rate below which a peer should not be the one to bring a segment into
 * the swarm, in bit/s.
 */
export const weakUplink = 1e6;

/** Weak peers send little or nothing, by their own word. */
export const isWeak = (p: { metered: boolean; uplink: number }): boolean =>
  p.metered || (p.uplink > 0 && p.uplink < weakUplink);

/** Maps (key, peer) to [0, 1) evenly. */
const rank = (k: Key, id: PeerID): number => hash32(k, id) / 2 ** 32;

/**
 * FNV-1a of 32 bits over strings, each ended by a bar, with murmur3's finaliser, as Go
 * computes it.
 */
export function hash32(...words: string[]): number {
  let h = 2166136261;
  for (const word of words) for (const byte of word + "|") h = Math.imul(h ^ byte.charCodeAt(0), 16777619);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
