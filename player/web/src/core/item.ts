// All the brain knows of one key (swarm/item.go).
import { type Bitset, get, highest, lowest, set, span, words } from "./bitset.ts";
import { type Core, note } from "./core.ts";
import { Cause, EffectType, type Fetch } from "./effect.ts";
import { InputType, type Want } from "./input.ts";
import { MaxPieces, pieceCount } from "./limits.ts";
import { type Key, type PeerID, trackOf } from "./message.ts";
import { cancelInbound } from "./offer.ts";
import type { Peer } from "./peer.ts";
import { findHolders } from "./reserve.ts";
import { type Source, count, dropSources } from "./source.ts";
import { expected, pushUntil, slicePattern } from "./subscribe.ts";
import type { Duration, Time } from "./time.ts";
import { Reason, type Timer } from "./timer.ts";
import { wake } from "./want.ts";

export interface Item {
  readonly key: Key;
  readonly track: string;
  readonly timer: Timer;

  wanted: boolean;
  need: Want;
  /** Wanted only for neighbours (tier-2). */
  relay: boolean;

  /** -1 unknown. */
  size: number;
  /** The edge has checked it; else an offer says so. */
  sure: boolean;
  /** Pieces, -1 unknown. */
  n: number;
  have: Bitset;
  /** Pieces held. */
  held: number;
  /** Leading pieces held. */
  prefix: number;
  whole: boolean;
  /** Of what is or will be held here; -1: nothing yet. */
  hops: number;
  sender: PeerID[];
  /** Grows, and the beginning of a piece is here. */
  flows: boolean;

  /** Pieces that a source was asked for. */
  wait: Bitset;
  /** Slices that come without being asked for, from pushing sources. */
  coming: number;
  /** How many partial sources hold each piece. */
  rare: number[];
  /** How many sources hold all of it. */
  wholes: number;
  /** How often each piece was sent. */
  given: number[];
  /** Neighbours that have some of it. */
  sources: Source[];
  /** Pieces asked of a second source. */
  stolen: number;

  outbound: Outbound[];
  reserved: Reserved[];
  /** Pieces that neighbours were not told of. */
  news: Bitset;
  /** There are some. */
  dirty: boolean;
  /** When they were told last. */
  toldAt: Time;
  /** Slices that are pushed to somebody, see affords. */
  pushes: number;
  /** Its slices were dealt out, see deal. */
  dealt: boolean;

  fetching: boolean;
  fetch: Fetch;
  fetchAt: Time;
  failures: number;
  retryAt: Time;
  /** The origin asked not to be asked before. */
  asideTill: Time;
  /** The origin said it never will. */
  dead: boolean;
  private: boolean;
  electFrom: Time;
  /** Until when a neighbour's word holds that it is on its way. */
  promised: Time;
  /** When neighbours are told again that it is wanted. */
  renewAt: Time;
  /** A seed's fetch is where it comes from. */
  seeded: boolean;
  /** Word of the key came from a neighbour. */
  heard: boolean;
  /** First. */
  heardAt: Time;
  /** The origin had to bring what neighbours would have brought too late. */
  short: boolean;
}

/** A transfer to one receiver. */
export interface Outbound {
  item: Item;
  peer: Peer;
  transfer: number;
  /** Asked for, one by one. */
  want: Bitset;
  /** Asked for as they come, from piece `from` on. */
  slices: number;
  from: number;
  sent: Bitset;
  due: Time;
  begun: boolean;
  pushed: boolean;
}

/** A neighbour's interest: Go's reservation. */
export interface Reserved {
  peer: Peer;
  due: Time;
  /** Of pieces that are here. */
  told: boolean;
}

/** What is known of a key of which nothing was heard. */
const blank = () =>
  ({
    size: -1,
    sure: false,
    n: -1,
    have: [],
    held: 0,
    prefix: 0,
    whole: false,
    hops: -1,
    sender: [],
    flows: false,
    wait: [],
    coming: 0,
    rare: [],
    wholes: 0,
    given: [],
    stolen: 0,
    news: [],
    dirty: false,
    toldAt: 0,
    pushes: 0,
    dealt: false,
    failures: 0,
    retryAt: 0,
    asideTill: 0,
    promised: 0,
    seeded: false,
    heard: false,
    short: false,
  }) satisfies Partial<Item>;

/** Forgets what is held and what was heard, not who wants it. */
export function reset(it: Item): void {
  Object.assign(it, blank());
  for (const r of it.reserved) r.told = false;
}

/** The record of a key, made where there is none. */
export function itemOf(c: Core, key: Key): Item {
  let it = c.items.get(key);
  if (!it) {
    const timer = c.timers.add(Reason.Expire);
    it = {
      key,
      track: trackOf(key),
      timer,
      wanted: false,
      need: {
        type: InputType.Want,
        key,
        available: 0,
        whole: 0,
        deadline: 0,
        originBy: 0,
        duration: 0,
        size: 0,
        urgent: false,
        asked: false,
        fetchable: false,
      },
      relay: false,
      ...blank(),
      sources: [],
      outbound: [],
      reserved: [],
      fetching: false,
      fetch: { type: EffectType.Fetch, key: "", id: 0, first: 0, count: 0, cause: Cause.None },
      fetchAt: 0,
      dead: false,
      private: false,
      electFrom: 0,
      heardAt: 0,
      renewAt: 0,
    };
    timer.item = it;
    c.items.set(key, it);
  }
  return it;
}

/** Books how long a neighbour says that the segment is. Nobody has checked it. */
export function sized(it: Item, size: number): void {
  if (size >= 0 && it.size < 0) setSize(it, size);
}

/** Books how long the segment is, as the edge has checked. */
export function measured(c: Core, it: Item, size: number): void {
  if (size < 0 || it.sure) return;
  it.sure = true;
  if (it.size === size) return;
  if (it.size >= 0) {
    // an offer lied: nothing said of the segment is worth anything
    if (__EXPLAIN__) note(c, `size of ${it.key} is ${size}, not ${it.size}`);
    cancelInbound(c, it);
    dropSources(c, it);
  }
  setSize(it, size);
  if (useful(it)) findHolders(c, it);
}

function setSize(it: Item, size: number): void {
  it.size = size;
  it.n = pieceCount(size);
  it.rare = new Array<number>(it.n).fill(0);
  it.given = [...it.rare];
  it.wholes = 0;
  for (const s of it.sources) count(s, 1);
}

/** Marks pieces as held and returns how many were new. */
export function add(it: Item, first: number, count: number): number {
  let fresh = 0;
  for (let i = first; i < first + count; i++)
    if (set(it.have, i)) {
      set(it.news, i);
      fresh++;
    }
  it.held += fresh;
  while (get(it.have, it.prefix)) it.prefix++;
  return fresh;
}

/** One past the last piece that may exist. */
export const limit = (it: Item): number => (it.n < 0 ? MaxPieces : it.n);

/** The pieces of word w that are not held, whoever may be bringing them. */
export const lacking = (it: Item, w: number) => span(w, 0, limit(it)) & ~it.have[w]!;

/** The pieces of word w that are neither held nor expected from a source or the origin. */
export function open(it: Item, w: number): number {
  const m = lacking(it, w) & ~it.wait[w]! & ~slicePattern(it.coming);
  const { first, count } = it.fetch;
  return it.fetching ? m & ~span(w, first, count < 0 ? MaxPieces : first + count) : m;
}

/** A run of pieces. */
export interface Gap {
  first: number;
  /** -1: to the unknown end. */
  count: number;
}

/** What is open, from the first piece to the last; undefined if nothing is. */
export const gap = (it: Item): Gap | undefined => spanned(it, open);

/** The same of what is not held, whoever may be bringing it. */
export const missing = (it: Item): Gap | undefined => spanned(it, lacking);

export function spanned(it: Item, some: (it: Item, w: number) => number): Gap | undefined {
  let found: Gap | undefined;
  for (let w = it.prefix >> 5; w < words(limit(it)); w++) {
    const m = some(it, w);
    if (!m) continue;
    found ??= { first: w * 32 + lowest(m), count: -1 };
    if (it.n < 0) break;
    found.count = w * 32 + highest(m) + 1 - found.first;
  }
  return found;
}

/** The one of a list that concerns a peer. */
export function of<T extends { peer: Peer }>(list: T[], p: Peer): T | undefined {
  return list.find((x) => x.peer === p);
}

/** Books the first word of an item. */
export function hear(c: Core, it: Item): void {
  if (it.heard) return;
  it.heard = true;
  it.heardAt = c.now;
  it.coming |= expected(c, it);
  if (it.coming) wake(c, it, pushUntil(c, it), Reason.Stall);
}

/** Whether the brain should still bring the key here. */
export const useful = (it: Item): boolean => !it.whole && (it.wanted || it.relay);

/** Drops the item's record when nothing refers to it. */
export function forget(c: Core, it: Item): void {
  if (
    it.wanted ||
    it.relay ||
    it.whole ||
    it.held ||
    it.fetching ||
    it.outbound.length ||
    it.reserved.length
  )
    return;
  dropSources(c, it);
  c.timers.clear(it.timer);
  c.items.delete(it.key);
}

/**
 * Estimates how long the origin takes: mean plus four deviations, much as RFC 6298 §2
 * does for round trips, because a late guess is a stall. It begins with half the
 * deviation of that: a first segment is slow in itself, because its connection is new.
 */
export class OriginClock {
  private mean: Duration;
  private dev: Duration;
  private measured = false;

  constructor(guess: Duration) {
    this.mean = Math.trunc(guess / 2);
    this.dev = Math.trunc(guess / 8);
  }

  add(d: Duration): void {
    if (!this.measured) {
      this.measured = true;
      this.mean = d;
      this.dev = Math.trunc(d / 4);
      return;
    }
    this.dev += Math.trunc((Math.abs(d - this.mean) - this.dev) / 4);
    this.mean += Math.trunc((d - this.mean) / 8);
  }

  estimate(): Duration {
    return this.mean + 4 * this.dev;
  }
}
