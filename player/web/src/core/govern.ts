// How many neighbours there are, and whether they are the right ones (swarm/govern.go).
import { type Core, note } from "./core.ts";
import { EffectType } from "./effect.ts";
import type { Gained } from "./input.ts";
import { of } from "./item.ts";
import { again, bestCandidate, connect, connectPatience, dialFailed, jitter, maxTries, nextCandidate } from "./candidates.ts";
import { isWeak } from "./elect.ts";
import { explore, nearsighted, scouts } from "./explore.ts";
import { type Peer, disconnect } from "./peer.ts";
import { busy } from "./source.ts";
import { owes } from "./upload.ts";
import { checkWebsocket, websocketAt } from "./websocket.ts";
import { type Duration, millisecond, second } from "./time.ts";
import { Reason } from "./timer.ts";

/**
 * What a neighbour did lately. Each review halves what was there at the one before, so
 * that it tells of the last half minute more than of all before.
 */
export interface Record {
  value: number;
  failures: number;
  // totals at the last review
  delivered: number;
  uploaded: number;
  strikes: number;
}

/**
 * How many pieces came from a neighbour lately, and an eighth of those it took: who can
 * only take is worth something too, since it passes on what it got.
 */
export const value = ({ record: r, delivered, uploaded }: Peer) =>
  r.value + (delivered - r.delivered) + (uploaded - r.uploaded) / 8;

/** How many transfers it let down lately. */
const failures = ({ record: r, strikes }: Peer) => r.failures + (strikes - r.strikes);

/** Between questions for peers above the minimum. */
const seekMore = 15 * second;
export const firstSeek = second;
const lastSeek = 30 * second;

/** How often neighbours are compared, with jitter. */
export const reviewEvery = 15 * second;
/** How long a neighbour is given before it is judged. */
const trialTime = 30 * second;
/** Trials going on at a time: the two places above the target. */
export const maxTrials = 2;
// How much more a neighbour on trial must be worth than the one that leaves for it, and
// by how much: about one segment. Without a gap two of equal worth would take turns.
const better = 1.5;
const betterBy = 64;
// So many links more than maxPeers are kept for so long, until the newcomer has told whom
// else it knows.
const maxOver = 2;
const crowdTime = second;
// So many strikes lately make a poor neighbour of one that delivers less than so many
// pieces for each.
const poorStrikes = 2;
const poorPieces = 16;
/** Halves the worth of a neighbour. */
export const usualDelay = 200 * millisecond;

/**
 * The number of links this peer makes itself; two places more stay free for peers that
 * find us, and for trials.
 */
export const target = (c: Core) => Math.max(c.cfg.minPeers, c.cfg.maxPeers - maxTrials);

export const linksAndDials = (c: Core) => c.links.length + c.pend.size;

/**
 * Keeps the number of neighbours between the minimum and the maximum. It runs when the
 * websocket connects, whenever a peer comes or goes, and when the timer it sets is due.
 */
export function checkPeers(c: Core): void {
  expireDials(c);
  const over = c.links.length - c.cfg.maxPeers;
  if (over > 0) {
    if (!c.crowded) c.roomBy = c.now + crowdTime;
    c.crowded = true;
    if (over > maxOver || c.now >= c.roomBy) {
      c.crowded = false;
      const last = surplus(c);
      // parting checks again
      return __SEEDS__ && c.cfg.seed ? evict(c, last, "others reach more") : disconnect(c, last, "too many peers");
    }
  } else c.crowded = false;
  const heardToo = c.links.length < c.cfg.minPeers || !c.connected;
  for (let next; linksAndDials(c) < target(c) && (next = bestCandidate(c, heardToo)); ) connect(c, next, false);
  checkWebsocket(c);
  const missing = target(c) - linksAndDials(c);
  if (missing > 0 && c.connected && c.now >= c.seekAt) discover(c, missing);
  setGovern(c, missing, heardToo);
}

/** Gives up attempts of which nothing was heard. */
function expireDials(c: Core): void {
  const late = [...c.pend].filter(([, d]) => c.now - d.since >= connectPatience);
  for (const id of late.map(([id]) => id).sort()) dialFailed(c, id);
}

export function discover(c: Core, count: number): void {
  c.emit({ type: EffectType.Discover, count });
  let wait = seekMore;
  if (c.links.length < c.cfg.minPeers) wait = c.seekWait = Math.min(Math.max(c.seekWait * 2, firstSeek), lastSeek);
  c.seekAt = c.now + wait;
}

/** Sets the timer for the first thing that is to be done. */
function setGovern(c: Core, missing: number, heardToo: boolean): void {
  const at = Math.min(
    missing > 0 && c.connected ? c.seekAt : Infinity,
    missing > 0 ? nextCandidate(c, heardToo) : Infinity,
    ...[...c.pend.values()].map((d) => d.since + connectPatience),
    c.links.length ? c.reviewAt : Infinity,
    __SEEDS__ && scouts(c) ? c.scoutAt : Infinity,
    c.crowded ? c.roomBy : Infinity,
    ...c.links.map((p) => p.audit.until || Infinity),
    websocketAt(c),
  );
  if (at < Infinity) c.timers.set(c.govern, Math.max(at, c.now), Reason.Govern);
  else c.timers.clear(c.govern);
}

/**
 * How long a piece of this neighbour may be expected to take, from what was seen
 * without asking for it: the mean of what is known of the round trip and of the time
 * from Accept to the first piece.
 */
const delay = (p: Peer): Duration => (p.first ? Math.trunc((p.rtt + p.first) / 2) : p.rtt);

/**
 * Compares neighbours:
 *
 *     worth = value / (1 + delay / usualDelay)
 */
const worth = (p: Peer) => value(p) / (1 + delay(p) / usualDelay);

/** Poor neighbours promise and do not deliver. */
const poor = (p: Peer) => !p.hello.seed && failures(p) >= poorStrikes && value(p) < poorPieces * failures(p);

/** Nothing is under way with a neighbour, either way. */
const idle = (p: Peer) =>
  !(p.waiting || p.outstanding || p.sources.some(busy) || p.outbound.some((out) => out.slices || owes(out)));

/**
 * The neighbour that leaves when there are too many. In a swarm where everybody has all
 * the links it wants, nobody could come in if that were always the newest: so it is the
 * least useful one with enough neighbours of its own and nothing under way, and only
 * where there is none the worst of all, which is the newest if the others have been of
 * any use. Seeds choose by reach.
 */
function surplus(c: Core): Peer {
  if (__SEEDS__ && c.cfg.seed) return nearsighted(c);
  const settled = (p: Peer) => !p.hello.seed && p.greeted && idle(p) && p.neighbours.size >= c.cfg.minPeers;
  return (worst(c.links.filter(settled)) ?? worst(c.links))!;
}

const worst = (peers: Peer[]): Peer | undefined =>
  peers.length ? peers.reduce((a, b) => (worse(a, b) <= 0 ? a : b)) : undefined;

/**
 * Orders neighbours: those with most failures lately first, then those of least use,
 * then weak ones, then the newest. Seeds come last.
 */
const worse = (a: Peer, b: Peer): number =>
  +a.hello.seed - +b.hello.seed ||
  failures(b) - failures(a) ||
  worth(a) - worth(b) ||
  a.delivered - b.delivered ||
  +isWeak(b.hello) - +isWeak(a.hello) ||
  b.order - a.order;

/** Measures the time from Accept to the first piece. */
export function timeFirst(c: Core, g: Gained): void {
  const p = c.peers.get(g.from);
  const it = c.items.get(g.key);
  const s = p && it && of(it.sources, p);
  if (!s || !busy(s) || s.got) return;
  const took = Math.max(c.now - s.started, 1);
  p.first ||= took;
  p.first += Math.trunc((took - p.first) / 8);
}

/**
 * Books what neighbours did, lets at most one go, and now and then tries another. One a
 * review bounds how fast a mesh can change, whatever the figures say.
 */
export function review(c: Core): void {
  if (!c.links.length || c.now < c.reviewAt) return;
  c.reviewAt = c.now + jitter(c, reviewEvery);
  c.reviews++;
  for (const p of c.links) {
    const { record: r, delivered, uploaded, strikes } = p;
    p.record = { value: value(p) - r.value / 2, failures: failures(p) - r.failures / 2, delivered, uploaded, strikes };
  }
  const out = dismissable(c);
  if (out) evict(c, ...out);
  else if (!(c.reviews % 2)) explore(c, 0);
}

/** Parts with a neighbour for a long time. */
export function evict(c: Core, p: Peer, why: string): void {
  if (__EXPLAIN__) c.counters.evictions++;
  if (__EXPLAIN__) note(c, `evict ${p.id}: ${why}`);
  again(c, p.id, maxTries, true);
  disconnect(c, p, why);
}

/**
 * The neighbour that should leave, and why: one that is poor while others can take its
 * place, or one that a better one on trial replaces, or one whose trial showed that it
 * is not needed.
 */
function dismissable(c: Core): [Peer, string] | undefined {
  const next = bestCandidate(c, true);
  const spare = c.links.length > c.cfg.minPeers || (next && !next.tries);
  const bad = spare && c.links.find(poor);
  if (bad) return [bad, "does not deliver"];
  const trial = c.links.find((p) => p.trial && c.now - p.since >= trialTime);
  if (!trial) return;
  trial.trial = false;
  if (c.links.length <= target(c)) return; // its place is not taken from anybody
  const last = lastOf(c, trial);
  if (last && worth(trial) > better * worth(last) + betterBy) return [last, "a better one was found"];
  if (idle(trial) && !value(trial) && !trial.hello.seed) return [trial, "no better than others"];
  return;
}

/**
 * The neighbour of least worth among those that can leave without harm: not a seed, not
 * on trial, there for long enough, nothing under way.
 */
export function lastOf(c: Core, except?: Peer): Peer | undefined {
  return worst(
    c.links.filter((p) => p !== except && !p.trial && !p.hello.seed && idle(p) && c.now - p.since >= trialTime),
  );
}
