// What neighbours are told of an item, and what they tell (swarm/offer.go).
import { audited, judge } from "./audit.ts";
import { type Core, note, send } from "./core.ts";
import { get, pieceMap, set } from "./bitset.ts";
import { messageBytes } from "./bucket.ts";
import { deal } from "./deal.ts";
import { hearSeed } from "./elect.ts";
import { type Item, type Outbound, type Reserved, hear, limit, measured, of, sized, useful } from "./item.ts";
import { MaxHaves, MaxHops, MaxOffers, MaxOutbound, pieceCount, remember } from "./limits.ts";
import { type Begin, type Cancel, MessageType, type Offer, Refusal, type Refuse } from "./message.ts";
import { ownUplink } from "./mute.ts";
import { originBack } from "./outage.ts";
import { type Peer, answered, interested } from "./peer.ts";
import { removeReservation } from "./reserve.ts";
import { giveUpAt } from "./slow.ts";
import {
  type Source,
  addSource,
  ask,
  busy,
  due,
  fill,
  holdsAll,
  inflow,
  learn,
  recount,
  release,
  removeSource,
  served,
  unask,
} from "./source.ts";
import { affords, allSlices, expected, first, pushRefused, pushUntil, slicePattern } from "./subscribe.ts";
import { type Duration, millisecond, second } from "./time.ts";
import { Reason } from "./timer.ts";
import { latency, owes, pump, push, removeOutbound } from "./upload.ts";
import { step, wake } from "./want.ts";

// Bounds of the time between two offers of one segment: what comes in between is told together.
const tellSoonest = 30 * millisecond;
const tellLatest = 300 * millisecond;
/** Offers to all neighbours take one in so many of the uplink's bits. */
const tellPart = 16;

/**
 * The least time between two offers of one segment. A narrow uplink has better uses than to
 * tell of each piece.
 */
export function tellEvery(c: Core): Duration {
  const up = ownUplink(c);
  const every = Math.trunc((c.links.length * 8 * messageBytes * tellPart * second) / up);
  return up ? Math.min(Math.max(every, tellSoonest), tellLatest) : tellSoonest;
}

/**
 * Tells those who reserved it that the origin was asked for a segment, so that they need
 * not. It is passed on by whoever hears it first; an offer follows with the first piece.
 */
export function promise(c: Core, it: Item, from?: Peer): void {
  if (it.private || it.held) return;
  const m = { ...offer(it), pieces: 0 };
  for (const r of it.reserved) if (r.peer !== from && !r.told && !of(it.sources, r.peer)) send(c, r.peer, m);
}

/** Describes what is here of an item. */
export function offer(it: Item): Offer {
  const grows = it.size < 0 && it.flows;
  return {
    type: MessageType.Offer,
    key: it.key,
    size: it.size,
    hops: Math.max(0, it.hops),
    // the beginning of one that grows counts, so that it is not taken for a promise
    pieces: grows ? Math.max(it.prefix, 1) : it.prefix,
    more: grows ? new Uint8Array() : pieceMap(it.have, it.prefix, it.held > it.prefix ? limit(it) : 0),
    seeded: it.seeded,
  };
}

/** Whether there is something of the item to give. */
export const here = (it: Item): boolean => !it.private && !!(it.held || it.whole || it.flows);

/**
 * Tells those who reserved an item what is here of it, at most once every tellEvery, and
 * pushes it to subscribers.
 */
export function announce(c: Core, it: Item): void {
  if (!here(it) || !it.reserved.length) {
    it.dirty = false;
    return;
  }
  const at = it.toldAt + tellEvery(c);
  if (it.toldAt > 0 && c.now < at && !it.whole && c.owed) {
    if (!it.dirty) {
      it.dirty = true;
      wake(c, it, at, Reason.Tell);
    }
    return;
  }
  it.dirty = false;
  it.toldAt = c.now;
  deal(c, it);
  let m: Offer | undefined;
  for (const r of it.reserved) if (!r.told || missedBy(it, r.peer)) tell(c, it, r, (m ??= offer(it)));
  it.news = [];
}

/** Whether a neighbour lacks some of the latest pieces. */
function missedBy(it: Item, p: Peer): boolean {
  const s = of(it.sources, p);
  if (s?.whole) return false;
  const out = of(it.outbound, p);
  const pushed = out?.pushed ? slicePattern(out.slices) : 0; // they are on their way
  return it.news.some((m, w) => m & ~(s?.has[w] ?? 0) & ~pushed);
}

export function tell(c: Core, it: Item, r: Reserved, m: Offer): void {
  const p = r.peer;
  const s = of(it.sources, p);
  if (s ? s.whole : p.haves.has(it.key)) return;
  const child = p.children.get(it.track);
  if (child && (it.size >= 0 || child.slices === allSlices) && !r.told && !of(it.outbound, p) && p.outbound.length < MaxOutbound) {
    const slices = affords(c, it, child.slices);
    if (slices) push(c, it, r, slices);
    r.told = true;
    if (slices === allSlices) return;
  }
  r.told = true;
  if (__EXPLAIN__) c.counters.offersSent++;
  send(c, p, m);
}

/** Books what a neighbour has of a segment and asks it for some. */
export function offered(c: Core, p: Peer, m: Offer): void {
  const { key, size, hops, pieces, more } = m;
  if (__EXPLAIN__) c.counters.offersHeard++;
  if (__EXPLAIN__) note(c, `offer ${key} by ${p.id}: ${pieces} pieces and ${more}, ${hops} hops`);
  const it = c.items.get(key);
  const isPromise = !pieces && !more.length && size;
  const refuse = (reason: Refusal) => send(c, p, { type: MessageType.Refuse, key, reason });
  if (it && !isPromise && size >= 0 && pieces >= pieceCount(size)) hasAll(it, p);
  if (!it || !useful(it)) {
    if (!it?.whole) refuse(Refusal.Unwanted);
    return;
  }
  if (hops < 0 || hops >= MaxHops || pieces < 0 || size < -1) return refuse(Refusal.Loop);
  hear(c, it);
  interested(p, it.track);
  if (!isPromise && it.failures > 0) originBack(c); // somebody got what the origin did not send
  if (m.seeded) {
    it.seeded = true;
    hearSeed(c);
  }
  if (isPromise) return promised(c, it, p, m);
  sized(it, size);
  const s = addSource(it, p);
  if (!s) return;
  s.hops = hops;
  s.blocked = false;
  expect(c, it);
  if (it.n <= 0) return follow(c, it); // what a growing one counts as its first piece may be a part of it
  if (pieces >= it.n) holdsAll(c, s);
  else learn(c, s, pieces, more);
  const out = of(it.outbound, p);
  if (out?.slices) skip(out, s);
  fill(c, p);
}

/** Books pieces that the receiver has, so that they are not pushed to it. */
function skip(out: Outbound, s: Source): void {
  s.has.forEach((m, w) => (out.sent[w]! |= m));
}

/** Books that the origin was asked, and passes the word on. */
function promised(c: Core, it: Item, p: Peer, m: Offer): void {
  const known = it.promised > c.now || it.held;
  expect(c, it);
  if (known || it.fetching) return;
  it.hops = m.hops + 1;
  promise(c, it, p);
}

/**
 * Books word that a segment is on its way through the swarm: for as long as a source may
 * keep silent, the origin's time included, nobody need be elected.
 */
export function expect(c: Core, it: Item): void {
  it.promised = Math.max(it.promised, c.now + c.cfg.stallAfter + c.origin.estimate());
  it.electFrom = Math.max(it.electFrom, it.promised);
  wake(c, it, it.promised, Reason.Elect);
}

/** Books that a neighbour holds the whole segment: nothing need be sent or told to it. */
function hasAll(it: Item, p: Peer): void {
  remember(p.haves, it.key, MaxHaves);
  const out = of(it.outbound, p);
  if (out && !owes(out)) removeOutbound(out); // else it is an audit
}

/**
 * Has one source send a segment of unknown size, as it comes: fewest hops, then fewest
 * failures, then nearest. A source that is itself still receiving must have fewer hops
 * than this peer, so that nobody waits in a circle.
 */
export function follow(c: Core, it: Item): void {
  if (it.coming || it.fetching || c.now < pushUntil(c, it)) return;
  const bound = it.hops >= 0 && (it.sender.length || it.held) ? it.hops : Infinity;
  let best: Source | undefined;
  for (const s of it.sources)
    if (!s.blocked && c.now >= s.peer.shunUntil && (s.whole || s.hops < bound))
      if (!best || nearer(s, best) < 0) best = s;
  if (!best) return;
  if (!it.sender.length) it.hops = best.hops + 1;
  best.slices = allSlices;
  best.from = it.prefix;
  best.started = best.last = c.now;
  recount(it);
  if (__EXPLAIN__) c.counters.accepts++;
  if (__EXPLAIN__) note(c, `follow ${best.peer.id} on ${it.key} from piece ${best.from}`);
  send(c, best.peer, {
    type: MessageType.Accept,
    key: it.key,
    first: best.from,
    count: -1,
    due: due(c, it),
    only: new Uint8Array(),
  });
  wake(c, it, giveUpAt(c, best), Reason.Stall);
}

const latencyStep = 20 * millisecond;

function nearer(a: Source, b: Source): number {
  const p = a.peer;
  const q = b.peer;
  return (
    a.hops - b.hops ||
    p.strikes - q.strikes ||
    Math.trunc(latency(p) / latencyStep) - Math.trunc(latency(q) / latencyStep) ||
    p.waiting - q.waiting ||
    p.order - q.order
  );
}

/** Ends what a neighbour will not do. */
export function refused(c: Core, p: Peer, { key, reason }: Refuse): void {
  const it = c.items.get(key);
  if (__EXPLAIN__) note(c, `refused ${key} by ${p.id}: reason ${reason}`);
  if (!it) return;
  const r = of(it.reserved, p);
  if (reason === Refusal.Unwanted && r) removeReservation(it, r);
  if (reason !== Refusal.Unwanted) audited(c, p, key, false); // that is about an offer of ours
  if (reason === Refusal.Gone) p.haves.delete(key);
  const s = of(it.sources, p);
  if (!s || !busy(s)) return;
  if (__EXPLAIN__) c.counters.refusals++;
  release(s);
  s.blocked = true;
  if (reason === Refusal.Gone) removeSource(c, s);
  step(c, it);
}

/** Books the opening of a transfer, asked for or pushed. */
export function began(c: Core, p: Peer, m: Begin): void {
  const { key, size, hops } = m;
  const pushed = m.slices & allSlices;
  const it = c.items.get(key);
  if (__EXPLAIN__) note(c, `begin ${key} from ${p.id}: size ${size}, ${hops} hops, slices ${pushed} pushed`);
  if (p.audit.key === key) return;
  const cancel = () => send(c, p, { type: MessageType.Cancel, key });
  if (!it || !useful(it) || hops < 0 || hops >= MaxHops) return cancel();
  hear(c, it);
  interested(p, it.track);
  measured(c, it, size);
  let s = of(it.sources, p);
  if (pushed && !(s && busy(s))) {
    recount(it);
    const slices = pushed & ~it.coming;
    if (!slices || it.fetching) return cancel();
    s = addSource(it, p);
    if (!s) return cancel();
    s.slices = slices;
    s.from = 0;
    s.hops = hops;
    s.started = c.now;
    if (slices !== pushed) ask(c, s); // for no more than these
    it.coming |= slices | expected(c, it);
    expect(c, it);
  }
  if (!s || !busy(s)) return; // taken back meanwhile; a Cancel or an Accept of nothing is on its way
  if (!s.begun && !pushed) answered(p, c.now - s.started);
  s.begun = true;
  s.last = c.now;
  if (!it.sender.length) it.hops = hops + 1;
  wake(c, it, giveUpAt(c, s), Reason.Stall);
}

/** Ends a transfer in either direction. */
export function cancelled(c: Core, p: Peer, { key }: Cancel): void {
  const it = c.items.get(key);
  if (__EXPLAIN__) note(c, `cancel ${key} by ${p.id}`);
  if (!it) return;
  const out = of(it.outbound, p);
  if (out) {
    if (out.pushed && !out.sent.some((m) => m)) pushRefused(p, it.track);
    removeOutbound(out);
    pump(c);
  }
  const s = of(it.sources, p);
  if (!s || !busy(s)) return;
  release(s);
  s.blocked = true;
  // a new election, so that not all turn to the origin at once
  if (!inflow(it)) it.electFrom = Math.max(it.electFrom, c.now);
  step(c, it);
}

/** Tells all sources that no more is needed. */
export function cancelInbound(c: Core, it: Item): void {
  for (const s of it.sources)
    if (busy(s)) {
      send(c, s.peer, { type: MessageType.Cancel, key: it.key });
      judge(c, s);
      release(s);
    }
}

/** Books a delivery and asks its source for more. */
export function credit(c: Core, it: Item, p: Peer, from: number, count: number): void {
  p.delivered += count;
  broughtBy(it, p);
  const s = of(it.sources, p);
  for (let i = from; i < from + count; i++) {
    if (s && get(s.asked, i)) {
      unask(s, i);
      served(c, p);
      continue;
    }
    retract(c, it, s, i);
    if (s?.lost === i) s.lost = -1;
    if (s?.robbed) s.robbed--;
    if (s && !s.whole && i < it.rare.length && set(s.has, i) && ++it.rare[i]! === 1) first(c, it, p, i);
  }
  if (!s) return;
  s.got += count;
  s.last = s.owing = c.now;
  if (it.sender.length === 1 && s.got === count) it.hops = s.hops + 1;
}

/** Takes pieces that came from somewhere else back from the source that was asked for them. */
function retract(c: Core, it: Item, from: Source | undefined, i: number): void {
  if (!get(it.wait, i)) return;
  const s = it.sources.find((s) => s !== from && get(s.asked, i));
  if (!s) return;
  unask(s, i);
  s.robbed++;
  s.lost = i;
  ask(c, s);
}

/** Notes a neighbour that bytes came from. */
export function broughtBy(it: Item, p: Peer): void {
  if (!it.sender.includes(p.id) && it.sender.length < MaxOffers) it.sender.push(p.id);
}
