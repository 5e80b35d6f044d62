// Parents that push slices of a track's segments, and children that are pushed to
// (swarm/subscribe.go). A segment is dealt out in eight slices: piece i is of slice i mod 8.
// Each slice may have a parent of its own, so that a track comes down several trees at
// once, and a peer is near the root of one and a leaf of others.
import { type Core, note, send } from "./core.ts";
import { span, words } from "./bitset.ts";
import { growth } from "./flow.ts";
import type { Item } from "./item.ts";
import { MaxSubscribed } from "./limits.ts";
import { MessageType, type Subscribe, type Unsubscribe } from "./message.ts";
import type { Peer } from "./peer.ts";
import { ownUplink } from "./mute.ts";
import { learnt } from "./short.ts";
import { due, release } from "./source.ts";
import { type Duration, type Time, millisecond, seconds } from "./time.ts";
import { lanes } from "./uplink.ts";
import { onTheirWay } from "./upload.ts";

export const sliceCount = 8;
export const allSlices = 255;

/** The bits of any word that stand for pieces of the slices. */
export const slicePattern = (slices: number): number => Math.imul(slices, 0x01010101);

/**
 * The lead from which on a neighbour is asked to push a slice. A lead is Σ share(n)/2^age:
 * the share of a slice's pieces that the neighbour was the first to have, halved with
 * every later segment; 2 is the most. Who is first with three tenths of them, time and
 * again, has 0.6: in a mesh nobody is first with nearly all, and each hop that is pushed
 * saves a round trip.
 */
const proven = 0.6;
/** How many times a parent's lead another's must be to replace it. */
const overtaken = 1.5;
/**
 * How long after the first word of a segment its slices' parents have to begin pushing,
 * besides two round trips, before others are asked.
 */
const pushGrace = 30 * millisecond;
/**
 * How many pieces of its slices others may have and a parent not have sent before the
 * rest is asked of them.
 */
const pushLag = 3;
/** Not all that is pushed leaves, because others are often quicker. */
const pushShare = 2;

/** Remembers who brings a track's segments. */
export interface Track {
  /** Of the last segment here. */
  hops: number;
  /** By slice. */
  parents: (Peer | undefined)[];
  /** Two round trips of the farthest parent. */
  until: Duration;
  /** The part of a segment that neighbours did not bring in time. */
  short: number;
}

/** How often a neighbour was first with pieces of each slice of a track. */
export type Lead = number[];

/** A neighbour that slices of a track are pushed to. */
export interface Subscriber {
  slices: number;
  /** Pushes in a row. */
  refused: number;
}

/** Credits a neighbour with being first to have a piece. */
export function first(c: Core, it: Item, p: Peer, i: number): void {
  if (__SEEDS__ && c.cfg.seed || it.n <= 0) return;
  let lead = p.leads.get(it.track);
  if (!lead) {
    if (p.leads.size >= MaxSubscribed) p.leads.clear();
    p.leads.set(it.track, (lead = new Array<number>(sliceCount).fill(0)));
  }
  lead[i % sliceCount]! += sliceCount / Math.max(it.n, sliceCount);
}

/**
 * Looks, after each segment, who was first with the pieces of each slice, and subscribes
 * to it. Nobody waits for a parent: what others have first is asked of them, so
 * subscriptions cannot form a circle that starves.
 */
export function prove(c: Core, it: Item): void {
  const { track } = it;
  if (__SEEDS__ && c.cfg.seed) return;
  const t = learnt(c, it);
  t.hops = Math.max(it.hops, 0);
  let changed = false;
  for (let s = 0; s < sliceCount; s++) {
    const leadOf = (p: Peer | undefined) => p?.leads.get(track)?.[s] ?? 0;
    let best: Peer | undefined;
    for (const p of c.links) if (leadOf(p) > leadOf(best)) best = p;
    const most = leadOf(best);
    if (!best || best === t.parents[s] || most < proven || most < overtaken * leadOf(t.parents[s]))
      continue;
    t.parents[s] = best;
    changed = true;
  }
  for (const p of c.links) {
    const lead = p.leads.get(track);
    lead?.forEach((n, s) => (lead[s] = n / 2));
  }
  if (changed) subscribe(c, track, t);
}

/** Tells every neighbour which slices it is the parent of. */
function subscribe(c: Core, track: string, t: Track): void {
  t.until = 0;
  for (const p of c.links) {
    const slices = t.parents.reduce((mask, parent, s) => (parent === p ? mask | (1 << s) : mask), 0);
    if (slices) t.until = Math.max(t.until, 2 * p.rtt);
    if (slices === (p.parentOf.get(track) ?? 0)) continue;
    if (!slices) {
      p.parentOf.delete(track);
      send(c, p, { type: MessageType.Unsubscribe, track });
      continue;
    }
    p.parentOf.set(track, slices);
    if (__EXPLAIN__) note(c, `subscribe to ${p.id} for slices ${slices.toString(2)} of ${track}`);
    send(c, p, { type: MessageType.Subscribe, track, hops: Math.max(1, t.hops), slices });
  }
}

/** The slices that are left to parents until pushUntil. */
export function expected(c: Core, it: Item): number {
  if (c.now >= pushUntil(c, it)) return 0;
  return c.tracks.get(it.track)!.parents.reduce((mask, p, s) => (p ? mask | (1 << s) : mask), 0);
}

/** Until when pushes of the item's parents are waited for, 0 where there is nobody to wait for. */
export function pushUntil(c: Core, it: Item): Time {
  const t = c.tracks.get(it.track);
  return t?.until && it.heard && !(growth(it) > 0 && !single(t)) ? it.heardAt + pushGrace + t.until : 0;
}

/**
 * Says whether one neighbour is the parent of all slices. What grows comes in one
 * stream, tails included: slices of it would come piece by whole piece.
 */
const single = ({ parents }: { parents: (Peer | undefined)[] }): boolean =>
  !!parents[0] && parents.reduce((mask, p, s) => (p === parents[0] ? mask | (1 << s) : mask), 0) === allSlices;

/** Lets go of parents that lag behind what others have of their slices. */
export function overtake(c: Core, it: Item): void {
  for (const s of it.sources) {
    if (!s.slices || it.n <= 0) continue;
    let behind = 0;
    for (let w = it.prefix >> 5; w < words(it.n); w++) {
      const m = slicePattern(s.slices) & span(w, s.from, it.n) & ~it.have[w]!;
      let theirs = 0;
      for (const o of it.sources) if (o !== s && !o.blocked && !o.peer.hello.metered) theirs |= o.whole ? m : m & o.has[w]!;
      for (; theirs; theirs &= theirs - 1) behind++;
    }
    if (behind <= pushLag) continue;
    if (__EXPLAIN__) note(c, `overtake ${s.peer.id} on ${it.key}: ${behind} pieces behind`);
    if (__EXPLAIN__) c.counters.overtaken++;
    release(s);
    send(c, s.peer, nothing(c, it));
  }
}

/** Takes back all that a source was asked for of an item. */
export const nothing = (c: Core, it: Item) =>
  ({ type: MessageType.Accept, key: it.key, first: 0, count: 0, due: due(c, it), only: new Uint8Array() }) as const;

/** Takes a neighbour on as a child. */
export function subscribed(c: Core, p: Peer, { track, slices }: Subscribe): void {
  slices &= allSlices;
  if (!slices || (!p.children.has(track) && p.children.size >= MaxSubscribed))
    return send(c, p, { type: MessageType.Unsubscribe, track });
  p.children.set(track, { slices, refused: 0 });
}

/**
 * Those of some slices of a segment that this peer pushes besides what it pushes of it
 * already: of all that subscribers want, pushShare times what its uplink carries while a
 * segment lasts. The rest they ask for, of whoever has it by then. Where the origin has to
 * bring a part of each segment, uplinks are the bound, and nothing leaves unasked before
 * what was asked for.
 */
export function affords(c: Core, it: Item, slices: number): number {
  if (onTheirWay(c) >= lanes(c.uplink) && c.tracks.get(it.track)?.short) return 0;
  const carried = pushShare * sliceCount * ownUplink(c) * seconds(it.need.duration);
  const room = carried > 0 && it.size > 0 ? Math.trunc(carried / (8 * it.size)) : Infinity;
  let afforded = 0;
  for (let slice = 1; slice < allSlices; slice *= 2)
    if (slices & slice && it.pushes < room) {
      afforded |= slice;
      it.pushes++;
    }
  return afforded;
}

export function unsubscribed(c: Core, p: Peer, { track }: Unsubscribe): void {
  p.children.delete(track);
  lose(c, p, track);
  p.parentOf.delete(track);
}

/** Takes a neighbour out of a track's parents. */
export function lose(c: Core, p: Peer, track: string): void {
  const t = c.tracks.get(track);
  if (t) t.parents = t.parents.map((parent) => (parent === p ? undefined : parent));
}

/** Ends a subscription whose pushes come too late twice in a row. */
export function pushRefused(p: Peer, track: string): void {
  const child = p.children.get(track);
  if (child && ++child.refused >= 2) p.children.delete(track);
}
