// Sources that stopped or would be late (swarm/slow.go).
import { type Core, note, send } from "./core.ts";
import { type Inbound, type Item, of, pieces } from "./item.ts";
import { MessageType } from "./message.ts";
import { panicAt } from "./elect.ts";
import { growth } from "./flow.ts";
import { accept, best, due, removeInbound } from "./offer.ts";
import { type Duration, type Time, millisecond } from "./time.ts";

/** How often the rate of a running transfer is looked at. */
const paceCheck = 250 * millisecond;

/**
 * How long a source may send nothing: stallAfter and a round trip when it has the
 * bytes, the origin's time on top when it is still receiving, and half of the time
 * that a segment grows while it does: chunks come in bursts.
 */
function patience(c: Core, in_: Inbound): Duration {
  let d = c.cfg.stallAfter + 2 * in_.peer.rtt;
  if (!in_.whole) d += c.origin.estimate();
  if (c.now < in_.item.need.whole) d += Math.trunc(growth(in_.item) / 2);
  return d;
}

export function checkAt(c: Core, in_: Inbound): Time {
  const at = in_.last + patience(c, in_);
  return in_.item.offers.length > 1 ? Math.min(at, c.now + paceCheck) : at;
}

/** Takes pieces from sources that stopped and shares those of sources that would be late. */
export function replaceSlow(c: Core, it: Item): void {
  for (const in_ of [...it.inbound]) {
    const { peer } = in_;
    if (c.now - in_.last < patience(c, in_)) continue;
    c.counters.stalls++;
    if (__EXPLAIN__) note(c, `stall ${it.key}: ${peer.id} sent ${in_.got} pieces, the last ${c.now - in_.last} ns ago`);
    peer.strikes++;
    send(c, peer, { type: MessageType.Cancel, key: it.key });
    removeInbound(in_);
    const o = of(it.offers, peer);
    if (o) o.blocked = true;
    if (!it.inbound.length) it.electFrom = c.now;
  }
  it.inbound.some((in_) => late(c, in_) && halve(c, in_));
}

/**
 * Whether a transfer would end after the last moment to ask the origin:
 *
 *     now + remaining × elapsed / got  >  panicAt
 */
function late(c: Core, in_: Inbound): boolean {
  const elapsed = c.now - in_.started;
  if (elapsed < paceCheck || in_.item.size < 0) return false;
  let left = 0;
  for (let i = in_.first; i < endOfInbound(in_); i++) if (!in_.item.have[i]) left++;
  return left > 1 && c.now + Math.trunc((left * elapsed) / Math.max(1, in_.got)) > panicAt(c, in_.item);
}

const endOfInbound = (in_: Inbound) => (in_.count < 0 ? pieces(in_.item) : in_.first + in_.count);

/**
 * Gives the second half of what is left to another source: a later Accept replaces
 * the range of the earlier.
 */
function halve(c: Core, in_: Inbound): boolean {
  const it = in_.item;
  const o = best(it);
  if (!o) return false;
  const end = endOfInbound(in_);
  let first = in_.first;
  while (first < end && it.have[first]) first++;
  const middle = first + Math.trunc((end - first + 1) / 2);
  if (middle >= end) return false;
  const count = middle - first;
  Object.assign(in_, { first, count, started: c.now, got: 0 });
  send(c, in_.peer, { type: MessageType.Accept, key: it.key, first, count, due: due(c, it) });
  accept(c, it, o, middle, end - middle);
  return true;
}
