// Segments that grow while they are passed on (swarm/flow.go).
import type { Core } from "./core.ts";
import { EffectType } from "./effect.ts";
import type { Flowing } from "./input.ts";
import { type Item, type Outbound, of } from "./item.ts";
import { announce, broughtBy } from "./offer.ts";
import { allSlices } from "./subscribe.ts";
import type { Duration } from "./time.ts";
import { next, pump } from "./upload.ts";

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
    const s = of(it.sources, p);
    if (s) s.last = c.now;
  }
  if (!it.flows) {
    it.flows = true;
    announce(c, it);
    pump(c);
  } else for (const out of it.outbound) pumpTail(c, out);
}

/** Passes on the beginning of the piece that a transfer waits for; whole pieces come first. */
export function pumpTail(c: Core, out: Outbound): void {
  const { item: it, transfer } = out;
  if (!it.flows || it.whole || !out.begun || out.slices !== allSlices || out.from > it.prefix || next(out).count) return;
  c.emit({ type: EffectType.TransmitTail, to: out.peer.id, transfer, key: it.key, index: it.prefix });
}

/**
 * How long the origin takes to make the segment after its first byte can be had, 0
 * for one that appears whole.
 */
export const growth = (it: Item): Duration => Math.max(0, it.need.whole - it.need.available);
