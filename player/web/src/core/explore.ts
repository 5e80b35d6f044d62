// Better neighbours than those there are (swarm/explore.go).
import { type Core, note } from "./core.ts";
import { bestCandidate, connect, jitter } from "./candidates.ts";
import { discover, evict, lastOf, linksAndDials, maxTrials, target, usualDelay, value } from "./govern.ts";
import type { Peer } from "./peer.ts";
import { weight } from "./uplink.ts";
import { millisecond, second } from "./time.ts";

/**
 * How often, at most and with jitter, a peer whose neighbours do not bring all in time
 * looks for another.
 */
const huntEvery = 4 * second;
/** So much of the neighbours' mean value is little enough to make room then. */
const littleUse = 0.25;
// A seed looks for a neighbour of more reach every firstScout with jitter, half as often
// again each time that it finds none, at last every lastScout.
const firstScout = 500 * millisecond;
const lastScout = 60 * second;

/**
 * Connects to one peer more, on trial, where there is a place for it: the mesh that came
 * about by who came first may not be the best. Where all places are taken, a neighbour
 * that has been of little use makes room, one worth no more than that.
 */
export function explore(c: Core, little: number): void {
  const trials = [...c.links, ...c.pend.values()].filter((p) => p.trial).length;
  if (trials >= maxTrials || linksAndDials(c) < target(c)) return;
  const next = bestCandidate(c, true);
  if (!next) {
    if (c.connected && c.now >= c.seekAt) discover(c, 1); // for the time after the next
    return;
  }
  if (linksAndDials(c) >= c.cfg.maxPeers) {
    const p = lastOf(c);
    // everybody is of use, or nothing is going on that could show who is
    if (!p || value(p) > little || c.links.length <= c.cfg.minPeers || !c.links.some((o) => value(o) > 0)) return;
    connect(c, next, true);
    evict(c, p, "too many peers");
  } else connect(c, next, true);
  if (__EXPLAIN__) c.counters.trials++;
  if (__EXPLAIN__) note(c, `try ${next.id}`);
}

/**
 * Looks for another neighbour because those there are did not bring a segment in time.
 * Chance gives some peers neighbours that can hardly upload, and they would ask the origin
 * for a part of every segment until they leave.
 */
export function hunt(c: Core): void {
  if (c.now < c.huntAt) return;
  c.huntAt = c.now + jitter(c, huntEvery);
  explore(c, (c.links.reduce((sum, p) => sum + value(p), 0) / c.links.length) * littleUse);
}

/**
 * How much a neighbour can pass on of what a seed gives it, and how soon:
 *
 *     reach = weight / (1 + rtt / usualDelay)
 */
const reach = (p: Peer) => weight(p) / (1 + p.rtt / usualDelay);

/** Whether this peer is a seed with all the neighbours that it may have. */
export const scouts = (c: Core): boolean => c.cfg.seed && c.links.length >= c.cfg.maxPeers;

/**
 * Has a seed link to one peer more, so that the one of least reach leaves: a swarm gets
 * each segment as fast as the seed's neighbours pass it on, and those who came first are
 * not the ones who do it best.
 */
export function scout(c: Core): void {
  if (!scouts(c) || c.now < c.scoutAt) return;
  c.scoutWait = Math.min(Math.max(Math.trunc((c.scoutWait * 3) / 2), firstScout), lastScout);
  c.scoutAt = c.now + jitter(c, c.scoutWait);
  const next = bestCandidate(c, true);
  if (next) connect(c, next, false);
  else if (c.connected && c.now >= c.seekAt) discover(c, 1);
}

/**
 * The neighbour of a seed that has least reach, the newest of several, and enough
 * neighbours of its own if there is one. Where it is not the newest of all, others of more
 * reach are likely to be found.
 */
export function nearsighted(c: Core): Peer {
  const poor = (p: Peer) => +(p.neighbours.size < c.cfg.minPeers);
  const last = c.links.reduce((a, b) =>
    (poor(a) - poor(b) || reach(a) - reach(b) || b.order - a.order) <= 0 ? a : b,
  );
  if (last.order != c.linked) c.scoutWait = firstScout;
  return last;
}
