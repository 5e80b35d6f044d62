// Neighbours that have some of an item, and what each is asked for (swarm/source.go).
import { type Core, note, send } from "./core.ts";
import { type Bitset, addMap, each, get, lowest, pieceMap, set, span, unset, words } from "./bitset.ts";
import { type Item, open, useful } from "./item.ts";
import { MaxOffers, ReservationLife, remove } from "./limits.ts";
import { MessageType } from "./message.ts";
import { panicAt } from "./elect.ts";
import { follow } from "./offer.ts";
import type { Peer } from "./peer.ts";
import { front } from "./short.ts";
import { judge } from "./audit.ts";
import { giveUpAt } from "./slow.ts";
import { steal } from "./steal.ts";
import { first, slicePattern } from "./subscribe.ts";
import { type Duration, type Time, microsecond, millisecond, second } from "./time.ts";
import { Reason } from "./timer.ts";
import { wake } from "./want.ts";

/** A neighbour that has some of an item, and what it was asked for. */
export interface Source {
  item: Item;
  peer: Peer;
  hops: number;
  /** Pieces it said it holds. */
  has: Bitset;
  /** It holds all of it. */
  whole: boolean;
  /** It refused or kept silent; its next word clears that. */
  blocked: boolean;

  /** And not come yet. */
  asked: Bitset;
  /** How many. */
  waiting: number;
  /** Some of them have not been said to it. */
  unsaid: boolean;
  /** That it sends as they come, from piece `from` on. */
  slices: number;
  from: number;
  got: number;
  /** When it was first asked, or began to push. */
  started: Time;
  /** When it was asked or sent something. */
  last: Time;
  begun: boolean;
  /** Pieces that were taken from it because another would be quicker. */
  robbed: number;
  /** Since when it has sent nothing and pieces are owed, those included. */
  owing: Time;
  /** A piece that it owes or was taken from it, -1 none. */
  lost: number;
  /** At last, with pieces owed. */
  silent: boolean;
}

/**
 * How much more than a round trip's worth of pieces a source is asked for, so that it
 * never runs dry between a piece and the next request.
 */
const headroom = 120 * millisecond;
/** Assumed of a source that has not sent a piece yet. */
export const firstService = 60 * millisecond;
/** The least service time that is believed. */
const quickest = 200 * microsecond;
/** How many pieces a seed is asked for at least, so that it can choose the one that it gave to nobody yet. */
const seedChoice = 2;
/** How many pieces a source may owe at a time: 512 KiB. */
const maxAsked = 32;

/** Whether the source owes something. */
export const busy = (s: Source): boolean => !!(s.waiting || s.slices);

/** Whether somebody is sending. */
export const inflow = (it: Item): boolean => it.sources.some(busy);

/** Adds the source's pieces to the item's rarity, or takes them out. */
export function count(s: Source, by: number): void {
  const { rare } = s.item;
  if (s.whole) s.item.wholes += by;
  else for (const i of each(s.has)) if (i < rare.length) rare[i]! += by;
}

/** Books that a neighbour has something of an item. */
export function addSource(item: Item, peer: Peer): Source | undefined {
  const old = item.sources.find((s) => s.peer === peer);
  if (old || item.sources.length >= MaxOffers) return old;
  const s: Source = {
    item,
    peer,
    hops: 0,
    has: [],
    whole: false,
    blocked: false,
    asked: [],
    waiting: 0,
    unsaid: false,
    slices: 0,
    from: 0,
    got: 0,
    started: 0,
    last: 0,
    begun: false,
    robbed: 0,
    owing: 0,
    silent: false,
    lost: -1,
  };
  item.sources.push(s);
  peer.sources.push(s);
  return s;
}

/**
 * Adds the first pieces, and those of a map after them, to what a source has. It is
 * credited with those that no neighbour had before.
 */
export function learn(c: Core, s: Source, pieces: number, more: Uint8Array): void {
  if (s.whole) return;
  const it = s.item;
  const said: Bitset = [];
  for (let w = 0; w < words(pieces); w++) said.push(span(w, 0, pieces));
  addMap(said, pieces, more);
  const news = !heldElsewhere(it);
  for (const i of each(said))
    if (set(s.has, i) && i < it.rare.length && ++it.rare[i]! === 1 && news && !get(it.have, i)) first(c, it, s.peer, i);
}

/** Whether a neighbour holds the whole segment. */
const heldElsewhere = (it: Item) => it.sources.some((s) => s.whole);

/** Turns the source into one of the whole segment. */
export function holdsAll(c: Core, s: Source): void {
  if (s.whole) return;
  const it = s.item;
  count(s, -1);
  if (!heldElsewhere(it))
    it.rare.forEach((n, i) => {
      if (!n && !get(it.have, i) && !get(s.has, i)) first(c, it, s.peer, i);
    });
  s.whole = true;
  count(s, 1);
}

/** The pieces of word w that the source holds and nobody brings. */
function offers(s: Source, w: number): number {
  const m = open(s.item, w);
  return s.whole ? m : m & s.has[w]!;
}

/** Forgets a source; what it owed is open again. */
export function removeSource(c: Core, s: Source): void {
  judge(c, s);
  release(s);
  count(s, -1);
  remove(s.item.sources, s);
  remove(s.peer.sources, s);
}

export function dropSources(c: Core, it: Item): void {
  for (let s; (s = it.sources.at(-1)); ) removeSource(c, s);
}

/** Takes back everything that a source was asked for. */
export function release(s: Source): void {
  for (const i of each(s.asked)) unset(s.item.wait, i);
  s.asked = [];
  s.peer.waiting -= s.waiting;
  s.waiting = 0;
  if (s.slices) {
    s.slices = 0;
    recount(s.item);
  }
  s.begun = false;
  s.got = 0;
}

/** Sets which slices come by themselves. */
export function recount(it: Item): void {
  it.coming = it.sources.reduce((mask, s) => mask | s.slices, 0);
}

/**
 * How many pieces a neighbour should owe:
 *
 *     ⌈(rtt + headroom) / service⌉,  service = smoothed time between its pieces
 */
const windowOf = (p: Peer) =>
  Math.min(Math.max(Math.ceil((p.rtt + headroom) / pace(p)), p.hello.seed ? seedChoice : 1), maxAsked);

/** The neighbour's service time for a piece. */
export const pace = (p: Peer): Duration => p.service || firstService;

/**
 * Books a piece that was asked for, and how long it took. The first one after a pause
 * has a round trip in it that is not the source's.
 */
export function served(c: Core, p: Peer): void {
  const d = Math.max(c.now - (p.rested ? p.askedAt + p.rtt : p.lastPiece), quickest);
  p.rested = false;
  p.service = p.service ? p.service + Math.trunc((d - p.service) / 4) : d;
  p.lastPiece = c.now;
  p.strikes = p.shunUntil = 0;
}

/**
 * Asks a neighbour for as much as it should owe, then for what others owe and would
 * bring later.
 */
export function fill(c: Core, p: Peer): void {
  const size = windowOf(p);
  let room = size - p.waiting;
  if (room <= 0 || (p.waiting && 4 * room < size) || c.now < p.shunUntil) return;
  for (let next; room > 0 && (next = choose(c, p)); room--) request(c, ...next);
  for (const s of p.sources) if (s.unsaid) ask(c, s);
  while (room > 0 && steal(c, p)) room--;
}

/**
 * How many segments, from the one due first, are asked for side by side. One after the
 * other, a new segment would only begin to spread when the one before has reached
 * everybody, and a swarm that is behind would stay behind.
 */
const spread = 2;

/**
 * Picks the next piece to ask a neighbour for: of the segment that is hurried, else the
 * rarest of those due first.
 */
function choose(c: Core, p: Peer): [Source, number] | undefined {
  const first: Source[] = [];
  for (const s of p.sources) {
    if (!asks(c, s)) continue;
    let i = first.length;
    while (i && before(s.item, first[i - 1]!.item)) i--;
    first.splice(i, 0, s);
    first.length = Math.min(first.length, spread);
  }
  let best: [Source, number] | undefined;
  let least = Infinity;
  for (const s of first) {
    const [i, rank] = pick(c, s);
    if (i < 0) continue;
    if (rank < least) {
      best = [s, i];
      least = rank;
    }
    if (hurried(c, s.item)) break;
  }
  return best;
}

/** Whether a source may be asked, and has something that nobody brings. */
export function asks(c: Core, s: Source): boolean {
  const it = s.item;
  if (s.blocked || !useful(it) || it.n <= 0 || (s.peer.hello.metered && !hurried(c, it))) return false;
  for (let w = it.prefix >> 5; w < words(it.n); w++) if (offers(s, w)) return true;
  return false;
}

/** Orders items by when they are needed. */
export function before(it: Item, o: Item): boolean {
  const a = it.need.deadline;
  const b = o.need.deadline;
  if (it.relay || a <= 0) return false;
  return o.relay || b <= 0 || a < b || (a === b && it.key < o.key);
}

/**
 * How long before the last moment to ask the origin a segment is taken in order, and of
 * metered neighbours too.
 */
const hurry = second;

const hurried = (c: Core, it: Item) => panicAt(c, it) - c.now < hurry;

/**
 * Chooses the next piece to ask a source for, and its rank, -1 for none: the one that
 * fewest neighbours hold, so that there is something to trade; among equals each peer has
 * an order of its own. Near the deadline, the first missing one.
 */
function pick(c: Core, s: Source): [number, number] {
  const it = s.item;
  const inOrder = it.need.urgent || hurried(c, it) || it.need.whole > c.now;
  const end = front(c, it);
  let best = -1;
  let least = Infinity;
  for (let w = it.prefix >> 5; w < words(it.n); w++)
    for (let m = offers(s, w); m; m &= m - 1) {
      const i = w * 32 + lowest(m);
      if (inOrder) return [i, 0];
      if (i >= end) {
        if (best < 0) {
          least = 2 ** 32 - 2;
          best = i;
        }
        break;
      }
      const rank = rarity(it.rare[i]! + it.wholes, i, c.salt);
      if (rank < least) {
        least = rank;
        best = i;
      }
    }
  return [best, least];
}

/** Orders pieces by a count, and equal ones by an order that the salt gives. */
export const rarity = (count: number, i: number, salt: number): number =>
  (count << 16) | (Math.imul(i + salt, 2654435761) >>> 16);

/** Marks a piece as owed. */
export function request(c: Core, s: Source, i: number): void {
  const p = s.peer;
  if (!p.waiting) {
    p.askedAt = c.now;
    p.rested = true;
  }
  if (!s.waiting) s.last = c.now;
  s.started ||= c.now;
  if (!(s.waiting + s.robbed)) s.owing = c.now;
  set(s.asked, i);
  set(s.item.wait, i);
  s.waiting++;
  p.waiting++;
  s.unsaid = true;
}

/**
 * Tells a source everything it owes of an item. That takes the place of slices it pushes,
 * so what is missing of those is asked for by name.
 */
export function ask(c: Core, s: Source): void {
  const { item: it, peer: p } = s;
  s.unsaid = false;
  if (it.hops < 0) it.hops = s.hops + 1;
  const map = s.slices ? owed(s) : s.asked;
  const all = [...each(map)];
  const first = all[0] ?? 0;
  const end = all.length ? all.at(-1)! + 1 : 0;
  const count = end - first;
  if (__EXPLAIN__) c.counters.accepts++;
  if (__EXPLAIN__) note(c, `ask ${p.id} for ${s.waiting} pieces of ${it.key}, ${first}+${count}`);
  const only = count === all.length ? new Uint8Array() : pieceMap(map, first, end);
  send(c, p, { type: MessageType.Accept, key: it.key, first, count, due: due(c, it), only });
  wake(c, it, giveUpAt(c, s), Reason.Stall);
}

/** The pieces that a source was asked for or pushes. */
function owed({ item: it, asked, slices, from }: Source): Bitset {
  const all: Bitset = [];
  for (let w = 0; w < words(it.n); w++) all[w] = asked[w]! | (slicePattern(slices) & span(w, from, it.n) & ~it.have[w]!);
  return all;
}

/** How much time is left until the player needs the item. */
export function due(c: Core, it: Item): Duration {
  return it.need.deadline > 0 ? Math.max(0, it.need.deadline - c.now) : ReservationLife;
}

export function unask(s: Source, i: number): void {
  if (!unset(s.asked, i)) return;
  unset(s.item.wait, i);
  s.waiting--;
  s.peer.waiting--;
}

/** Asks all sources of an item, the quickest first. */
export function fillItem(c: Core, it: Item): void {
  if (!it.sources.length || !useful(it)) return;
  if (it.n < 0) return follow(c, it);
  const order = it.sources.map((s) => s.peer);
  order.sort((a, b) => a.rtt + pace(a) - b.rtt - pace(b));
  for (const p of order) fill(c, p);
}
