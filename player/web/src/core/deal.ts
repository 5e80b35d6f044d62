// Who gets first what comes from the origin (swarm/deal.go).
import type { Core } from "./core.ts";
import { type Item, type Reserved, of } from "./item.ts";
import { MaxOutbound } from "./limits.ts";
import { affords, sliceCount } from "./subscribe.ts";
import { weight } from "./uplink.ts";
import { push } from "./upload.ts";

/**
 * Pushes what comes from the origin to those who reserved it, each slice to one of them: a
 * reservation is as good as being asked. So the first copy leaves at once and in one piece,
 * and to those who can pass on most of it: slices go by weight (D'Hondt). Everything else
 * is offered, as always; and of a film everything: there is no hurry, and what comes
 * unasked would be in the way of what is due.
 */
export function deal(c: Core, it: Item): void {
  if (it.dealt || it.need.available <= 0 || c.cfg.metered || !it.fetching || it.hops || it.n <= 0 || it.sender.length) return;
  it.dealt = true;
  const able = ({ told, peer: p }: Reserved) =>
    !told && !p.hello.metered && !p.haves.has(it.key) && !of(it.outbound, p) && p.outbound.length < MaxOutbound;
  const hands = it.reserved.filter(able).map((to) => ({ to, slices: 0, n: 0, claim: weight(to.peer) }));
  if (!hands.length) return;
  it.pushes = sliceCount;
  for (let slice = 0; slice < sliceCount; slice++) {
    const best = hands.reduce((a, b) => (b.claim > a.claim ? b : a));
    best.slices |= 1 << slice;
    best.claim = weight(best.to.peer) / (++best.n + 1);
  }
  for (const { to, slices } of hands)
    if (slices) push(c, it, to, slices | affords(c, it, (to.peer.children.get(it.track)?.slices ?? 0) & ~slices));
}
