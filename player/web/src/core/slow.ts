// Sources that stopped or would be late (swarm/slow.go).
import { judge } from "./audit.ts";
import { type Core, note, send } from "./core.ts";
import type { Item } from "./item.ts";
import { MessageType } from "./message.ts";
import { panicAt } from "./elect.ts";
import { growth } from "./flow.ts";
import { type Source, busy, inflow, pace, release } from "./source.ts";
import { nothing } from "./subscribe.ts";
import { type Duration, type Time, millisecond, second } from "./time.ts";

/** How often pieces that are still owed are looked at again. */
export const paceCheck = 100 * millisecond;
/** The longest time that a silent neighbour is not asked again. */
const maxShun = 60 * second;
/**
 * How long a source may send nothing: stallAfter, a round trip, and four times what it
 * usually needs for a piece; while the segment grows, half of that time on top, because
 * chunks come in bursts.
 */
function patience(c: Core, s: Source): Duration {
  let d = 3 * c.cfg.stallAfter + 2 * s.peer.rtt + 4 * pace(s.peer);
  if (s.slices && !s.whole) d += c.origin.estimate();
  if (c.now < s.item.need.whole) d += Math.trunc(growth(s.item) / 2);
  return d;
}

/** When a source that sends nothing at all has had enough time. */
export const giveUpAt = (c: Core, s: Source): Time => Math.max(s.last, s.peer.lastPiece) + patience(c, s);

/**
 * Takes pieces from sources that stopped, and from a single one that would be too late
 * with all that it was asked for.
 */
export function replaceSlow(c: Core, it: Item): void {
  for (const s of [...it.sources]) {
    if (!busy(s)) continue;
    if (c.now >= giveUpAt(c, s)) stalled(c, s);
    else if (s.slices && late(c, s)) {
      if (__EXPLAIN__) note(c, `late ${it.key}: ${s.peer.id} has sent ${s.got} pieces`);
      send(c, s.peer, nothing(c, it));
      release(s);
    }
  }
}

function stalled(c: Core, s: Source): void {
  const { item: it, peer: p } = s;
  if (__EXPLAIN__) c.counters.stalls++;
  if (__EXPLAIN__) note(c, `stall ${it.key}: ${p.id} sent ${s.got} pieces, the last word ${c.now - s.last} ns ago`);
  send(c, p, { type: MessageType.Cancel, key: it.key });
  judge(c, s);
  release(s);
  p.service = Math.max(pace(p), c.cfg.stallAfter);
  p.strikes++;
  p.shunUntil = c.now + Math.min(second * 2 ** Math.min(p.strikes, 10), maxShun);
  if (!inflow(it)) it.electFrom = Math.max(it.electFrom, c.now);
}

/**
 * Whether what a source sends as it comes would end after the last moment to ask the
 * origin, at the pace so far:
 *
 *     now + missing × elapsed / got  >  panicAt
 */
function late(c: Core, s: Source): boolean {
  const it = s.item;
  const elapsed = c.now - s.started;
  const left = it.n - it.held;
  return (
    elapsed >= paceCheck &&
    it.n >= 0 &&
    it.need.whole <= c.now &&
    left > 1 &&
    c.now + Math.trunc((left * elapsed) / Math.max(1, s.got)) > panicAt(c, it)
  );
}
