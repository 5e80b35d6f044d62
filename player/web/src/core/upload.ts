// Transfers to neighbours, and who gets the next piece (swarm/upload.go).
import { type Core, send } from "./core.ts";
import { addMap, lowest, set, span, words } from "./bitset.ts";
import { EffectType } from "./effect.ts";
import type { Sent } from "./input.ts";
import { type Gap, type Item, type Outbound, type Reserved, limit, of } from "./item.ts";
import { MaxOutbound, MaxPieces, ReservationLife, remove } from "./limits.ts";
import { type Accept, MessageType, Refusal } from "./message.ts";
import { pumpTail } from "./flow.ts";
import { here, offer } from "./offer.ts";
import { checkMute, owe, paid, tellUplink } from "./mute.ts";
import type { Peer } from "./peer.ts";
import { inflow, rarity } from "./source.ts";
import { allSlices, slicePattern } from "./subscribe.ts";
import { type Duration, second } from "./time.ts";
import { Reason } from "./timer.ts";
import { lanes, left, stale, weight, yields } from "./uplink.ts";

/** Opens a transfer, or replaces what a running one still owes. */
export function accepted(c: Core, p: Peer, m: Accept): void {
  const it = c.items.get(m.key);
  let out = it && of(it.outbound, p);
  const { first, count, only } = m;
  const refuse = (reason: Refusal) => send(c, p, { type: MessageType.Refuse, key: m.key, reason });
  if (!count && !only.length) {
    if (out) {
      endPush(c, out);
      out.want = [];
    }
    return;
  }
  if (
    !it ||
    it.private ||
    !(it.whole || it.held || inflow(it) || it.fetching) ||
    first < 0 ||
    first > MaxPieces ||
    count < -1 ||
    count > MaxPieces
  )
    return refuse(Refusal.Gone);
  if (count < 0 && of(it.sources, p)?.slices) return refuse(Refusal.Loop);
  checkMute(c);
  if (c.mute) return refuse(Refusal.Busy);
  if (!out) {
    if (p.outbound.length >= MaxOutbound && !dropIdle(p)) return refuse(Refusal.Busy);
    out = open(c, it, p);
  }
  out.due = c.now + m.due;
  endPush(c, out);
  out.want = [];
  if (count < 0) {
    out.slices = allSlices;
    out.from = first;
  } else if (only.length) addMap(out.want, first, only);
  else for (let i = first; i < Math.min(first + count, MaxPieces); i++) set(out.want, i);
  pump(c);
}

/**
 * Ends what a transfer brings unasked. Of what it was pushed the receiver was told
 * nothing, and now it has to know what it can ask for.
 */
function endPush(c: Core, out: Outbound): void {
  if (out.pushed && out.slices && here(out.item)) {
    if (__EXPLAIN__) c.counters.offersSent++;
    send(c, out.peer, offer(out.item));
  }
  out.slices = 0;
}

function open(c: Core, item: Item, peer: Peer): Outbound {
  const out: Outbound = {
    item,
    peer,
    transfer: ++c.transfer,
    want: [],
    slices: 0,
    from: 0,
    sent: [],
    due: 0,
    begun: false,
    pushed: false,
  };
  item.outbound.push(out);
  peer.outbound.push(out);
  return out;
}

/** Ends a transfer to a neighbour that owes nothing. */
function dropIdle(p: Peer): boolean {
  const idle = p.outbound.find((out) => !out.slices && !owes(out));
  if (idle) removeOutbound(idle);
  return !!idle;
}

/** Whether pieces were asked for that were not sent. */
export const owes = (out: Outbound): boolean => out.want.some((m, w) => m & ~out.sent[w]!);

/** Sends slices of a segment, for which the neighbour has a reservation, without being asked again. */
export function push(c: Core, it: Item, r: Reserved, slices: number): void {
  const out = open(c, it, r.peer);
  out.pushed = true;
  out.due = r.due - ReservationLife;
  out.slices = slices;
  if (__EXPLAIN__) c.counters.pushes++;
  pump(c);
}

/** The pieces of word w that can be sent now. */
function ready(out: Outbound, w: number): number {
  const slices = slicePattern(out.slices) & span(w, out.from, MaxPieces);
  return (out.want[w]! | slices) & out.item.have[w]! & ~out.sent[w]! & span(w, 0, limit(out.item));
}

/**
 * So many copies of a piece are pushed while the rest of its segment still comes from the
 * origin. More would give everybody the same beginning, and nothing to trade.
 */
const earlyCopies = 2;

/**
 * What to send next: of a segment whose size is known, the piece that was sent to the
 * fewest, so that receivers have something to trade; else the first run, at most of two
 * pieces and not across a multiple of 64. Of what is pushed and still comes from the
 * origin, a piece goes out earlyCopies times.
 */
export function next(out: Outbound): Gap {
  const { have, given, hops, whole } = out.item;
  const most = out.pushed && out.slices && !hops && !whole ? earlyCopies : Infinity;
  const best: Gap = { first: 0, count: 0 };
  let least = Infinity;
  for (let w = 0; w < have.length; w++)
    for (let m = ready(out, w); m; m &= m - 1) {
      const first = w * 32 + lowest(m);
      if (!given.length) return { first, count: (first + 1) & 63 && (ready(out, (first + 1) >> 5) >> (first + 1)) & 1 ? 2 : 1 };
      const rank = rarity(given[first]!, first, out.peer.salt);
      if (rank < least && given[first]! < most) {
        least = rank;
        best.first = first;
        best.count = 1;
      }
    }
  return best;
}

/**
 * Hands pieces to links while few enough are on their way out: what is due within a
 * second first, then to whoever has had least for its weight (start-time fair queueing:
 * a link's clock goes forward by 1/weight a piece, and one that had nothing to get does
 * not save up).
 */
export function pump(c: Core): void {
  for (let best; onTheirWay(c) < lanes(c.uplink) && !yields(c) && (best = nextOut(c)); ) {
    const [out, { first, count: here }] = best;
    const n = c.upload.pieces(c.now, Math.min(here, c.cfg.window - out.peer.outstanding));
    if (!n && here) return c.timers.set(c.refill, c.upload.ready(c.now), Reason.Upload);
    transmit(c, out, first, n);
  }
}

function transmit(c: Core, out: Outbound, first: number, n: number): void {
  const { item: it, peer: p, transfer } = out;
  const { key, size } = it;
  if (!out.begun) {
    out.begun = true;
    send(c, p, {
      type: MessageType.Begin,
      transfer,
      key,
      size,
      hops: Math.max(0, it.hops),
      first: out.slices ? out.from : first,
      count: -1,
      slices: out.pushed ? out.slices : 0,
    });
  }
  if (n) {
    c.emit({ type: EffectType.Transmit, to: p.id, transfer, key, first, count: n });
    c.upload.take(n);
    if (__EXPLAIN__) c.counters.piecesOut += n;
    owe(c, p, n);
    c.clock = Math.max(c.clock, p.clock);
    p.clock = c.clock + n / weight(p);
    for (let i = first; i < first + n; i++) {
      set(out.sent, i);
      if (i < it.given.length) it.given[i] = Math.min(it.given[i]!, 254) + 1;
    }
  }
  pumpTail(c, out);
  if (done(out)) removeOutbound(out);
}

/**
 * How many pieces links have that have not left, those apart that are stuck on a link of
 * their own.
 */
export const onTheirWay = (c: Core) =>
  c.links.reduce((n, p) => (c.now - p.owedAt < stale(c.uplink) ? n + p.outstanding : n), 0);

/** When a piece goes before everybody's fair share. */
const dueSoon = second;
// More than a link's clock can be ahead of another's.
const soonFirst = 1e6;
const newFirst = 1e3;

/**
 * The transfer and pieces that go next. What a peer has from the origin goes out once
 * before anything goes twice: until then, what only it holds is what keeps the swarm
 * waiting.
 */
function nextOut(c: Core): [Outbound, Gap] | undefined {
  let best: [Outbound, Gap] | undefined;
  let clock = Infinity;
  for (const p of c.links) {
    const next = p.outstanding < c.cfg.window && urgent(p);
    if (!next) continue;
    const [out, { first }] = next;
    const { hops, given } = out.item;
    const again = !hops && given[first]! > 0;
    const at = Math.max(p.clock, c.clock) - (out.due - c.now < dueSoon ? soonFirst : 0) + (again ? newFirst : 0);
    if (at < clock) {
      best = next;
      clock = at;
    }
  }
  return best;
}

/** Whether all of the segment was sent. */
function done(out: Outbound): boolean {
  const { n } = out.item;
  const start = out.slices === allSlices ? out.from : 0;
  for (let w = 0; w < words(n); w++) if (span(w, start, n) & ~out.sent[w]!) return false;
  return n >= 0;
}

/** Picks the transfer due first among those with a piece to send, and what to send. */
function urgent(p: Peer): [Outbound, Gap] | undefined {
  let best: [Outbound, Gap] | undefined;
  for (const out of p.outbound) {
    if (best && out.due >= best[0].due) continue;
    const run = next(out);
    if (run.count || (!out.begun && (!out.item.size || (out.item.flows && out.slices)))) best = [out, run];
  }
  return best;
}

export function removeOutbound(out: Outbound): void {
  remove(out.item.outbound, out);
  remove(out.peer.outbound, out);
}

/** Tells all receivers that no more will come. */
export function cancelOutbound(c: Core, it: Item): void {
  for (let out; (out = it.outbound[0]); ) {
    send(c, out.peer, { type: MessageType.Cancel, key: it.key });
    removeOutbound(out);
  }
}

/** Frees room in a link's window. */
export function sent(c: Core, s: Sent): void {
  const p = c.peers.get(s.to);
  if (!p) return;
  paid(c, p, s.count);
  if (c.mute) checkMute(c);
  p.uploaded += s.count;
  pump(c);
  left(c.uplink, c.now, s.count, c.owed > 0);
  tellUplink(c);
}

/**
 * Orders sources by how fast they answer: the round trip while nothing better is
 * known, then the measured time from Accept to Begin.
 */
export const latency = (p: Peer): Duration => p.answer || p.rtt;
