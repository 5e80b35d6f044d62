// All the brain knows of one key (swarm/item.go).
import type { Core } from "./core.ts";
import { Cause, EffectType, type Fetch } from "./effect.ts";
import { InputType, type Want } from "./input.ts";
import { MaxPieces, pieceCount } from "./limits.ts";
import { type Key, type PeerID, trackOf } from "./message.ts";
import type { Peer } from "./peer.ts";
import type { Duration, Time } from "./time.ts";
import { Reason, type Timer } from "./timer.ts";

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
  /** By piece. */
  have: boolean[];
  /** Pieces held. */
  held: number;
  /** Leading pieces held. */
  prefix: number;
  whole: boolean;
  /** Of what is or will be held here; -1: nothing chosen yet. */
  hops: number;
  sender: PeerID[];
  /** Grows, and the beginning of a piece is here. */
  flows: boolean;

  offers: Source[];
  inbound: Inbound[];
  outbound: Outbound[];
  reserved: Reserved[];

  fetching: boolean;
  fetch: Fetch;
  fetchAt: Time;
  failures: number;
  retryAt: Time;
  /** The origin said it never will. */
  dead: boolean;
  private: boolean;
  electFrom: Time;
  /** Until when a neighbour's word holds that it asked the origin. */
  promised: Time;
  /** Word of the key came from a neighbour. */
  heard: boolean;
  /** First. */
  heardAt: Time;
}

/** A source that can be asked: Go's offer. */
export interface Source {
  peer: Peer;
  hops: number;
  /** Pieces it can send, 0 all. */
  room: number;
  /** It holds all of it. */
  whole: boolean;
  /** Refused or stalled; a new offer clears it. */
  blocked: boolean;
  /** Refused for want of room: the bytes are near all the same. */
  busy: boolean;
}

/** A transfer locked to one source. */
export interface Inbound {
  item: Item;
  peer: Peer;
  first: number;
  /** -1: to the end. */
  count: number;
  got: number;
  started: Time;
  /** When the last piece came. */
  last: Time;
  begun: boolean;
  /** The source holds everything, so silence is its own fault. */
  whole: boolean;
}

/** A transfer to one receiver. */
export interface Outbound {
  item: Item;
  peer: Peer;
  transfer: number;
  next: number;
  /** -1: the segment's end. */
  end: number;
  due: Time;
  begun: boolean;
  pushed: boolean;
}

/** A neighbour's interest: Go's reservation. */
export interface Reserved {
  peer: Peer;
  due: Time;
  offered: boolean;
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
      size: -1,
      have: [],
      held: 0,
      prefix: 0,
      whole: false,
      hops: -1,
      sender: [],
      flows: false,
      offers: [],
      inbound: [],
      outbound: [],
      reserved: [],
      fetching: false,
      fetch: { type: EffectType.Fetch, key: "", id: 0, first: 0, count: 0, cause: Cause.None },
      fetchAt: 0,
      failures: 0,
      retryAt: 0,
      dead: false,
      private: false,
      electFrom: 0,
      promised: 0,
      heard: false,
      heardAt: 0,
    };
    timer.item = it;
    c.items.set(key, it);
  }
  return it;
}

/** Pieces in all, -1 unknown. */
export const pieces = (it: Item): number => (it.size < 0 ? -1 : pieceCount(it.size));

/** Marks pieces as held and returns how many were new. */
export function add(it: Item, first: number, count: number): number {
  let fresh = 0;
  for (let i = first; i < first + count; i++) {
    if (it.have[i]) continue;
    it.have[i] = true;
    fresh++;
  }
  it.held += fresh;
  while (it.have[it.prefix]) it.prefix++;
  return fresh;
}

/** A run of pieces. */
export interface Gap {
  first: number;
  /** -1: to the unknown end. */
  count: number;
}

/** The first run of pieces that is neither held nor expected from a source or the origin. */
export function gap(it: Item): Gap | undefined {
  const { have } = it;
  const limit = it.size < 0 ? MaxPieces : pieces(it);
  const expected: Gap[] = it.fetching ? [...it.inbound, it.fetch] : it.inbound;
  let first = it.prefix;
  for (let from = -1; from !== first; ) {
    from = first;
    while (have[first]) first++;
    for (const g of expected)
      if (first >= g.first && (g.count < 0 || first < g.first + g.count)) first = g.count < 0 ? limit : g.first + g.count;
  }
  if (first >= limit) return;
  const held = have.indexOf(true, first);
  let last = held < 0 ? limit : Math.min(held, limit);
  for (const g of expected) if (g.first > first) last = Math.min(last, g.first);
  return { first, count: it.size < 0 && last === limit ? -1 : last - first };
}

/** The one of a list that concerns a peer. */
export function of<T extends { peer: Peer }>(list: T[], p: Peer): T | undefined {
  return list.find((x) => x.peer === p);
}

export function hear(c: Core, it: Item): void {
  if (!it.heard) {
    it.heard = true;
    it.heardAt = c.now;
  }
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
    it.inbound.length ||
    it.outbound.length ||
    it.reserved.length
  )
    return;
  c.timers.clear(it.timer);
  c.items.delete(it.key);
}

/**
 * Estimates how long the origin takes: mean plus four deviations, as RFC 6298 §2 does
 * for round trips, because a late guess is a stall.
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
      this.dev = Math.trunc(d / 2);
      return;
    }
    this.dev += Math.trunc((Math.abs(d - this.mean) - this.dev) / 4);
    this.mean += Math.trunc((d - this.mean) / 8);
  }

  estimate(): Duration {
    return this.mean + 4 * this.dev;
  }
}
