// Asking one neighbour for what another owes (swarm/steal.go).
import { highest, words } from "./bitset.ts";
import type { Core } from "./core.ts";
import { useful } from "./item.ts";
import type { Peer } from "./peer.ts";
import { type Source, ask, pace, request, unask } from "./source.ts";
import { type Duration, millisecond } from "./time.ts";

/** Allowed of a segment besides a quarter of its pieces: of a short one, all. */
const fewSteals = 4;

/**
 * How much sooner another source must be expected to bring a piece before it is asked
 * for it too.
 */
const stealMargin = 50 * millisecond;

/**
 * When everything a neighbour owes will have come; one that is silent for longer than
 * usual is expected to stay so.
 */
const eta = (c: Core, p: Peer): Duration =>
  p.waiting * Math.max(pace(p), c.now - (p.rested ? p.askedAt + p.rtt : p.lastPiece));

/**
 * Asks a neighbour that has nothing left to do for pieces that another owes and would
 * bring much later. Each may come twice, so they are few: a quarter of a segment.
 */
export function steal(c: Core, p: Peer): boolean {
  const mine = p.rtt + (p.waiting + 1) * pace(p);
  for (const s of p.sources) {
    const it = s.item;
    if (s.blocked || p.hello.metered || !useful(it) || it.n < 0 || it.stolen >= (it.n >> 2) + fewSteals) continue;
    let slow: Source | undefined;
    let latest = 2 * mine + stealMargin;
    for (const o of it.sources) {
      const e = o !== s && o.waiting ? eta(c, o.peer) : 0;
      if (e > latest) {
        slow = o;
        latest = e;
      }
    }
    for (let w = words(it.n) - 1; slow && w >= 0; w--) {
      const m = s.whole ? slow.asked[w]! : slow.asked[w]! & s.has[w]!;
      if (!m) continue;
      const i = w * 32 + highest(m);
      unask(slow, i);
      slow.robbed++;
      slow.lost = i;
      ask(c, slow);
      request(c, s, i);
      it.stolen++;
      if (__EXPLAIN__) c.counters.stolen++;
      ask(c, s);
      return true;
    }
  }
  return false;
}
