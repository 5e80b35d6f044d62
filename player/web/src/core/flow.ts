// Segments that grow while they are passed on (swarm/flow.go).
import type { Core } from "./core.ts";
import { EffectType } from "./effect.ts";
import type { Flowing } from "./input.ts";
import { type Item, type Outbound, of } from "./item.ts";
import { MaxOffers } from "./limits.ts";
import { announce } from "./offer.ts";
import type { Peer } from "./peer.ts";
import type { Duration } from "./time.ts";
import { pumpItem } from "./upload.ts";

/**
 * Books bytes of a piece that is not whole yet. The brain only needs to know that
 * there are some: it offers the segment, opens transfers and has the edge pass on
 * what it has.
 */
export function flowing(c: Core, f: Flowing): void {
  const it = c.items.get(f.key);
  if (!it || it.whole) return;
  const p = c.peers.get(f.from);
  if (p) {
    broughtBy(it, p);
    const in_ = of(it.inbound, p);
    if (in_) in_.last = c.now;
  }
  if (!it.flows) {
    it.flows = true;
    announce(c, it);
    pumpItem(c, it);
  } else for (const out of it.outbound) pumpTail(c, out);
}

/** Passes on the beginning of the piece that a transfer waits for. */
export function pumpTail(c: Core, out: Outbound): void {
  const { item: it, next: index, transfer } = out;
  if (!it.flows || it.whole || !out.begun || index !== it.prefix || (out.end >= 0 && index >= out.end)) return;
  c.emit({ type: EffectType.TransmitTail, to: out.peer.id, transfer, key: it.key, index });
}

/** Notes a neighbour that bytes came from. */
export function broughtBy(it: Item, p: Peer): void {
  if (!it.sender.includes(p.id) && it.sender.length < MaxOffers) it.sender.push(p.id);
}

/**
 * How many leading pieces an offer speaks of. One that is growing counts, so that the
 * offer is not taken for a promise.
 */
export const offeredPieces = (it: Item): number => (it.flows && it.size < 0 ? Math.max(it.prefix, 1) : it.prefix);

/**
 * How long the origin takes to make the segment after its first byte can be had, 0
 * for one that appears whole.
 */
export const growth = (it: Item): Duration => Math.max(0, it.need.whole - it.need.available);
