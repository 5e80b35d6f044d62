// Whose turn it is to ask the origin, and when it is the last moment (swarm/elect.go).
import type { Core } from "./core.ts";
import { Cause } from "./effect.ts";
import { type Item, gap, of } from "./item.ts";
import type { Key, PeerID } from "./message.ts";
import { growth } from "./flow.ts";
import type { Want } from "./input.ts";
import { ReservationLife } from "./limits.ts";
import { inflow } from "./source.ts";
import { greeting } from "./mute.ts";
import { fetchMissing, hedges, maxElected, startFetch, wait } from "./origin.ts";
import { type Duration, type Time, millisecond } from "./time.ts";

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
  const { cfg, now } = c;
  const { need } = it;
  if (!it.wanted || it.fetching || it.dead || !need.fetchable || now < it.retryAt || now < need.available) return;
  const alone = !c.links.length;
  if (now >= panicAt(c, it)) {
    const late = hedges(it) ? Cause.Hedge : Cause.Deadline;
    return fetchMissing(c, it, cfg.seed ? Cause.Seed : need.urgent ? Cause.Startup : alone ? Cause.NoPeer : late);
  }
  const open = gap(it);
  if (!open) return;
  const fetch = (cause: Cause) => startFetch(c, it, open, cause);
  if (cfg.seed) fetch(Cause.Seed);
  else if (need.urgent) fetch(Cause.Startup);
  else if (it.private || alone) {
    if (need.asked) fetch(it.private ? Cause.NotShareable : Cause.NoPeer);
  } else if (now >= it.promised && !(now < need.whole && (it.flows || inflow(it))) && elected(c, it)) {
    if (c.fetches >= maxElected) wait(c, it);
    else fetch(Cause.Elected);
  }
}

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
 * How long before a deadline the origin must be asked for what is missing:
 *
 *     deadlineSafety × originTime × (firstByte + (1 − firstByte) × missing / pieces) + margin
 */
export function lead(c: Core, it: Item): Duration {
  const share = it.n > 0 ? firstByte + ((1 - firstByte) * (it.n - it.held)) / it.n : 1;
  return Math.trunc(c.cfg.deadlineSafety * share * c.origin.estimate()) + margin;
}

/**
 * Whether it is this peer's turn:
 *
 *     copies(k) = originCopies × 2^k,  k = ⌊waited / electionStep⌋
 *     turn      = position < copies(k)  and  (all known or rank < copies(k) / N)
 *
 * rank is hash(key, peer) in [0, 1), N the estimated number of peers interested in
 * the track, position how many known interested neighbours rank before us.
 */
function elected(c: Core, it: Item): boolean {
  const wanted = copies(c, it);
  const me = greeting(c); // as neighbours know it: they must come to the same order
  const mine = rank(it.key, c.cfg.id, me.metered, me.uplink, me.seed);
  let position = 0;
  let interested = 1;
  for (const p of c.links) {
    if (!p.greeted) continue;
    const reserved = of(it.reserved, p);
    if (reserved) interested++;
    const h = p.hello;
    if (h.seed || (reserved && rank(it.key, p.id, h.metered, h.uplink, false) < mine)) position++;
  }
  if (position >= wanted) return false;
  const n = interestedPeers(c, interested);
  return interested >= 0.9 * n || mine < wanted / n;
}

/** How long a seed's word may take through the swarm, in election steps. */
const seedTime = 4;

/**
 * When peers begin to count down to fetching a segment for the swarm: when it can be had,
 * and where a seed brought the last ones, not before its word should have come.
 */
export function electionStart(c: Core, w: Want): Time {
  const seeded = c.seededAt > 0 && c.now - c.seededAt < ReservationLife;
  return Math.max(c.now, w.available + (seeded ? seedTime * c.cfg.electionStep : 0));
}

/** How many peers of the swarm should be fetching by now. */
function copies(c: Core, it: Item): number {
  const k = Math.min(Math.trunc(Math.max(0, c.now - it.electFrom) / c.cfg.electionStep), 40);
  return c.cfg.originCopies * 2 ** k;
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
const weakUplink = 1e6;

/** Weak peers send little or nothing, by their own word. */
export const isWeak = (p: { metered: boolean; uplink: number }): boolean =>
  p.metered || (p.uplink > 0 && p.uplink < weakUplink);

/**
 * Maps (key, peer) to [0, 1) evenly; seeds come before everybody, metered and weak
 * peers after.
 */
export function rank(k: Key, id: PeerID, metered: boolean, uplink: number, seed: boolean): number {
  const u = hash32(k, id) / 2 ** 32;
  return seed ? u - 1 : isWeak({ metered, uplink }) ? u + 1 : u;
}

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
