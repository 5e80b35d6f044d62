// Transfers to neighbours, and who gets the next piece (swarm/upload.go).
import { type Core, send } from "./core.ts";
import { EffectType } from "./effect.ts";
import type { Sent } from "./input.ts";
import { type Item, type Outbound, of, pieces } from "./item.ts";
import { MaxOutbound, MaxPieces, remove } from "./limits.ts";
import { type Accept, MessageType, Refusal } from "./message.ts";
import { feedHungry, hasRoom, starving } from "./capacity.ts";
import { pumpTail } from "./flow.ts";
import type { Peer } from "./peer.ts";
import type { Duration, Time } from "./time.ts";
import { Reason } from "./timer.ts";

/**
 * The longest run handed to a link at once, so that an urgent transfer waits for at
 * most 64 KiB of another.
 */
const burstPieces = 4;

/** Opens a transfer, or replaces the range of a running one. */
export function accepted(c: Core, p: Peer, m: Accept): void {
  const it = c.items.get(m.key);
  const { first, count } = m;
  const refuse = (reason: Refusal) => send(c, p, { type: MessageType.Refuse, key: m.key, reason });
  if (
    !it ||
    it.private ||
    !(it.whole || it.held || it.inbound.length || it.fetching) ||
    first < 0 ||
    first > MaxPieces ||
    count < -1 ||
    count > MaxPieces
  )
    return refuse(Refusal.Gone);
  if (of(it.inbound, p)) return refuse(Refusal.Loop);
  const end = count < 0 ? -1 : first + count;
  let out = of(it.outbound, p);
  if (out) {
    out.next = Math.max(out.next, first);
    out.end = end;
    if (first < out.next && end < 0) out.next = first;
  } else {
    if (p.outbound.length >= MaxOutbound || !hasRoom(c, it, m)) {
      const r = of(it.reserved, p);
      if (r) {
        r.offered = false; // again, after the others
        remove(it.reserved, r);
        it.reserved.push(r);
        starving(c, it);
      }
      return refuse(Refusal.Busy);
    }
    out = open(c, it, p, first, end);
  }
  out.due = c.now + m.due;
  pump(c, p);
}

function open(c: Core, item: Item, peer: Peer, next: number, end: number): Outbound {
  const out = { item, peer, transfer: ++c.transfer, next, end, due: 0, begun: false, pushed: false };
  item.outbound.push(out);
  peer.outbound.push(out);
  return out;
}

/** Sends a segment to a subscriber without being asked again. */
export function push(c: Core, it: Item, p: Peer, due: Time): void {
  const out = open(c, it, p, 0, -1);
  out.pushed = true;
  out.due = due;
  c.counters.pushes++;
  pump(c, p);
}

/** Fills a link's window with the most urgent pieces that are here. */
export function pump(c: Core, p: Peer): void {
  for (let out; p.outstanding < c.cfg.window && (out = urgent(p)); ) {
    const here = ready(out);
    const n = c.upload.pieces(c.now, Math.min(here, c.cfg.window - p.outstanding));
    if (!n && here) return c.timers.set(c.refill, c.upload.ready(c.now), Reason.Upload);
    const { item, transfer, next: first } = out;
    const { key, size } = item;
    if (!out.begun) {
      out.begun = true;
      const count = out.end < 0 ? -1 : out.end - first;
      const hops = Math.max(0, item.hops);
      send(c, p, { type: MessageType.Begin, transfer, key, size, hops, first, count, pushed: out.pushed });
    }
    if (n) {
      c.emit({ type: EffectType.Transmit, to: p.id, transfer, key, first, count: n });
      c.upload.take(n);
      c.counters.piecesOut += n;
      p.outstanding += n;
      out.next += n;
    }
    pumpTail(c, out);
    if (done(out)) {
      removeOutbound(out);
      feedHungry(c);
    }
  }
}

/** Passes on what came of an item to all its receivers. */
export function pumpItem(c: Core, it: Item): void {
  for (let i = 0, out; (out = it.outbound[i]); ) {
    pump(c, out.peer);
    if (it.outbound[i] === out) i++;
  }
}

/** Where a transfer ends, -1 unknown. */
export function endOf(out: Outbound): number {
  const whole = pieces(out.item);
  return out.end >= 0 && (whole < 0 || out.end < whole) ? out.end : whole;
}

function done(out: Outbound): boolean {
  const end = endOf(out);
  return end >= 0 && out.next >= end;
}

/** Picks the transfer due first among those with a piece to send. */
function urgent(p: Peer): Outbound | undefined {
  let best: Outbound | undefined;
  for (const out of p.outbound)
    if (
      (!best || out.due < best.due) &&
      (ready(out) || out.item.size === 0 || (out.item.flows && !out.begun))
    )
      best = out;
  return best;
}

/** How many consecutive pieces a transfer has to send, at most a burst. */
function ready(out: Outbound): number {
  let n = 0;
  while (n < burstPieces && out.item.have[out.next + n] && (out.end < 0 || out.next + n < out.end)) n++;
  return n;
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
  p.outstanding = Math.max(0, p.outstanding - s.count);
  p.uploaded += s.count;
  pump(c, p);
}

/**
 * Orders sources by how fast they answer: the round trip while nothing better is
 * known, then the measured time from Accept to Begin.
 */
export const latency = (p: Peer): Duration => p.answer || p.rtt;
