// Offers, and the locked transfers that come of them (swarm/offer.go).
import { type Core, note, send } from "./core.ts";
import { type Inbound, type Item, type Source, gap, hear, of, pieces, useful } from "./item.ts";
import {
  MaxHaves,
  MaxHops,
  MaxOffers,
  MaxOutbound,
  PieceSize,
  ReservationLife,
  pieceCount,
  remember,
  remove,
} from "./limits.ts";
import { type Begin, type Cancel, MessageType, type Offer, Refusal, type Refuse } from "./message.ts";
import { feedHungry, portion, room, starving } from "./capacity.ts";
import { broughtBy, offeredPieces } from "./flow.ts";
import { type Peer, answered, interested } from "./peer.ts";
import { removeReservation } from "./reserve.ts";
import { pushRefused, pushUntil } from "./subscribe.ts";
import { type Duration, millisecond } from "./time.ts";
import { latency, pump, push, removeOutbound } from "./upload.ts";
import { schedule, step } from "./want.ts";

/**
 * Tells those who reserved it that this peer has asked the origin for a segment, so
 * that they need not. An offer follows with the first piece.
 */
export function promise(c: Core, it: Item): void {
  if (it.private || it.held) return;
  for (const r of it.reserved) if (!r.offered) sendOffer(c, it, r.peer, 0, 0);
}

function sendOffer(c: Core, it: Item, p: Peer, pieces: number, room: number): void {
  send(c, p, { type: MessageType.Offer, key: it.key, size: it.size, hops: Math.max(0, it.hops), pieces, room });
}

/**
 * Offers what is here to those who reserved it, have not heard, and have not offered
 * it themselves; subscribers get the segment pushed.
 */
export function announce(c: Core, it: Item): void {
  if (it.private || !(it.held || it.whole || it.flows)) return;
  let left = room(c, it);
  for (const r of it.reserved) {
    const p = r.peer;
    if (
      r.offered ||
      of(it.inbound, p) ||
      of(it.offers, p) ||
      of(it.outbound, p) ||
      it.sender.includes(p.id) ||
      p.haves.has(it.key)
    )
      continue;
    const give = portion(it, left);
    if (give < 0) return starving(c, it);
    left -= Math.max(it.size, it.need.size, PieceSize);
    r.offered = true;
    if (!give && p.children.has(it.track) && p.outbound.length < MaxOutbound) {
      push(c, it, p, r.due - ReservationLife);
      continue;
    }
    c.counters.offersSent++;
    sendOffer(c, it, p, offeredPieces(it), give);
  }
}

/** Books a source and locks a transfer to it when none is running. */
export function offered(c: Core, p: Peer, m: Offer): void {
  c.counters.offersHeard++;
  if (__EXPLAIN__) note(c, `offer ${m.key} by ${p.id}: ${m.pieces} pieces, ${m.hops} hops`);
  const it = c.items.get(m.key);
  const refuse = (reason: Refusal) => send(c, p, { type: MessageType.Refuse, key: m.key, reason });
  if (!it || !useful(it)) {
    if (it?.whole) remember(p.haves, m.key, MaxHaves);
    return refuse(Refusal.Unwanted);
  }
  if (m.hops < 0 || m.hops >= MaxHops || m.pieces < 0 || m.size < -1) return refuse(Refusal.Loop);
  hear(c, it);
  interested(p, it.track);
  if (!m.pieces && m.size) {
    // a promise
    it.promised = Math.max(it.promised, c.now + c.cfg.stallAfter + c.origin.estimate());
    return step(c, it);
  }
  addOffer(it, {
    peer: p,
    hops: m.hops,
    room: Math.max(0, m.room),
    whole: m.size >= 0 && m.pieces >= pieceCount(m.size),
    blocked: false,
    busy: false,
  });
  step(c, it);
  if (!of(it.inbound, p)) refuse(Refusal.Locked);
}

export function addOffer(it: Item, o: Source): void {
  const old = of(it.offers, o.peer);
  if (old) Object.assign(old, o);
  else if (it.offers.length < MaxOffers) it.offers.push(o);
}

/** Locks a transfer for every piece that nobody brings yet, while there are sources. */
export function assign(c: Core, it: Item): void {
  if (c.now < pushUntil(c, it)) return;
  for (let open, o; (open = gap(it)) && (o = best(it)); ) accept(c, it, o, open.first, open.count);
}

export function accept(c: Core, it: Item, o: Source, first: number, count: number): void {
  const { peer } = o;
  if (o.room && it.size >= 0) count = Math.min(count, o.room);
  if (it.hops < 0 || (!it.sender.length && !it.fetching)) it.hops = o.hops + 1;
  addInbound(c, it, peer, first, count, o.whole);
  c.counters.accepts++;
  if (__EXPLAIN__) note(c, `accept ${it.key} pieces ${first}+${count} from ${peer.id}`);
  send(c, peer, { type: MessageType.Accept, key: it.key, first, count, due: due(c, it) });
}

function addInbound(c: Core, item: Item, peer: Peer, first: number, count: number, whole: boolean): Inbound {
  const started = c.now;
  const in_: Inbound = { item, peer, first, count, got: 0, started, last: started, begun: false, whole };
  item.inbound.push(in_);
  peer.inbound.push(in_);
  return in_;
}

/** How much time is left until the player needs the item. */
export function due(c: Core, it: Item): Duration {
  return it.need.deadline > 0 ? Math.max(0, it.need.deadline - c.now) : ReservationLife;
}

/**
 * Chooses the source: fewest hops, then fewest failures, then nearest (in steps of
 * 20 ms), then least loaded. A source that is itself still receiving must be strictly
 * nearer to the origin than this peer, so nobody waits in a circle; one that holds
 * everything cannot loop.
 */
export function best(it: Item): Source | undefined {
  const bound = it.hops >= 0 && (it.sender.length || it.held || it.fetching) ? it.hops : Infinity;
  let found: Source | undefined;
  for (const o of it.offers) {
    if (o.blocked || of(it.inbound, o.peer) || (!o.whole && o.hops >= bound)) continue;
    if (!found || before(o, found) < 0) found = o;
  }
  return found;
}

const latencyStep = 20 * millisecond;

function before(a: Source, b: Source): number {
  const p = a.peer;
  const q = b.peer;
  return (
    a.hops - b.hops ||
    p.strikes - q.strikes ||
    Math.trunc(latency(p) / latencyStep) - Math.trunc(latency(q) / latencyStep) ||
    p.inbound.length - q.inbound.length ||
    p.order - q.order
  );
}

/** Ends what a neighbour will not do. */
export function refused(c: Core, p: Peer, m: Refuse): void {
  const it = c.items.get(m.key);
  if (__EXPLAIN__) note(c, `refused ${m.key} by ${p.id}: reason ${m.reason}`);
  if (!it) return;
  const r = of(it.reserved, p);
  if (m.reason === Refusal.Unwanted && r) removeReservation(it, r);
  const in_ = of(it.inbound, p);
  if (!in_) return feedHungry(c); // our offer was not taken: the next may be
  c.counters.refusals++;
  removeInbound(in_);
  const o = of(it.offers, p);
  if (o) {
    o.blocked = true;
    o.busy = m.reason === Refusal.Busy;
  }
  if (m.reason === Refusal.Gone) p.haves.delete(m.key);
  step(c, it);
}

/** Books the opening of a transfer, asked for or pushed. */
export function began(c: Core, p: Peer, m: Begin): void {
  const it = c.items.get(m.key);
  if (__EXPLAIN__) note(c, `begin ${m.key} from ${p.id}: size ${m.size}, ${m.hops} hops, pushed ${m.pushed}`);
  const cancel = () => send(c, p, { type: MessageType.Cancel, key: m.key });
  if (!it || !useful(it) || m.hops < 0 || m.hops >= MaxHops) return cancel();
  hear(c, it);
  interested(p, it.track);
  if (m.size >= 0 && it.size < 0) it.size = m.size;
  let in_ = of(it.inbound, p);
  if (in_) answered(p, c.now - in_.started);
  else {
    const open = gap(it);
    if (
      !m.pushed ||
      !open ||
      m.first > open.first ||
      it.fetching ||
      (it.hops >= 0 && m.hops >= it.hops && it.sender.length)
    )
      return cancel();
    in_ = addInbound(c, it, p, open.first, open.count, false);
  }
  in_.begun = true;
  in_.last = c.now;
  if (!it.sender.length) it.hops = m.hops + 1;
  schedule(c, it);
}

/** Ends a transfer in either direction. */
export function cancelled(c: Core, p: Peer, { key }: Cancel): void {
  const it = c.items.get(key);
  if (__EXPLAIN__) note(c, `cancel ${key} by ${p.id}`);
  if (!it) return;
  const out = of(it.outbound, p);
  if (out) {
    if (out.pushed) pushRefused(p, it.track);
    removeOutbound(out);
    pump(c, p);
  }
  const in_ = of(it.inbound, p);
  if (!in_) return;
  removeInbound(in_);
  const o = of(it.offers, p);
  if (o) o.blocked = true;
  if (!it.inbound.length) it.electFrom = c.now; // a new election, so that not all turn to the origin at once
  step(c, it);
}

/** Tells all sources that no more is needed. */
export function cancelInbound(c: Core, it: Item): void {
  for (let in_; (in_ = it.inbound[0]); ) {
    send(c, in_.peer, { type: MessageType.Cancel, key: it.key });
    removeInbound(in_);
  }
}

export function removeInbound(in_: Inbound): void {
  remove(in_.item.inbound, in_);
  remove(in_.peer.inbound, in_);
}

/** Books a delivery of count pieces and closes a transfer that brought all. */
export function credit(c: Core, it: Item, p: Peer, count: number): void {
  p.delivered += count;
  broughtBy(it, p);
  const in_ = of(it.inbound, p);
  if (!in_) return;
  in_.got += count;
  in_.last = c.now;
  const end = in_.count < 0 ? pieces(it) : in_.first + in_.count;
  if (end < 0) return;
  for (let i = in_.first; i < end; i++) if (!it.have[i]) return;
  removeInbound(in_);
}
