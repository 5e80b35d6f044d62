// Peers that could be connected to, and connections being made (swarm/candidates.go).
import type { Core } from "./core.ts";
import { EffectType } from "./effect.ts";
import { MaxCandidates } from "./limits.ts";
import type { PeerID } from "./message.ts";
import { checkPeers } from "./govern.ts";
import { type Duration, type Time, second } from "./time.ts";

/**
 * A peer that could be connected to. They are remembered in the order in which they
 * became known; past MaxCandidates the oldest is forgotten.
 */
export interface Candidate {
  id: PeerID;
  /** From a neighbour only: it may be next door, and signals may need a neighbour. */
  heard: boolean;
  /** Failed ones. */
  tries: number;
  /** Not to be tried before. */
  until: Time;
  /** Since when. */
  known: Time;
  /** Parted with because it did not pass an audit. */
  barred: boolean;
}

/** A connection being made. */
export interface Dial {
  since: Time;
  /** That failed before. */
  tries: number;
  /** As of the candidate. */
  heard: boolean;
  trial: boolean;
  /** The neighbour that carries its signals, if one does. */
  via: PeerID;
}

/** After how long an attempt without an answer is over. */
export const connectPatience = 15 * second;
// Tries of one peer: 1 s after the first failure, then 2, 4, … each time with jitter;
// after maxTries a rest, because a NAT does not change.
const firstRedial = second;
export const maxTries = 4;
const dialRest = 300 * second;

/**
 * The candidate to try next: of those that failed least, those that signalling
 * introduced before those that a neighbour named, the latest news first, because peers
 * leave, in the order in which they were named.
 */
export function bestCandidate(c: Core, heardToo: boolean): Candidate | undefined {
  let best: Candidate | undefined;
  const rank = (x: Candidate) => 2 * x.tries + +x.heard;
  for (const x of c.cands.values()) {
    if (x.until > c.now || (x.heard && !heardToo)) continue;
    const d = best ? rank(x) - rank(best) || best.known - x.known : -1;
    if (d < 0) best = x;
  }
  return best;
}

/** When the first of those that failed may be tried again, Infinity if there is none. */
export function nextCandidate(c: Core, heardToo: boolean): Time {
  let at = Infinity;
  for (const x of c.cands.values()) if (x.until > c.now && (heardToo || !x.heard)) at = Math.min(at, x.until);
  return at;
}

function addCandidate(c: Core, id: PeerID, heard: boolean, tries: number, until: Time): void {
  if (c.cands.size === MaxCandidates) c.cands.delete(c.cands.keys().next().value!);
  c.cands.set(id, { id, heard, tries, until, known: c.now, barred: false });
}

/** Begins to make a link. */
export function connect(c: Core, { id, tries, heard }: Candidate, trial: boolean): void {
  c.cands.delete(id);
  c.pend.set(id, { since: c.now, tries, heard, trial, via: "" });
  c.emit({ type: EffectType.Connect, peer: id });
}

/**
 * Books an attempt that came to nothing. One that no signal could be sent for says
 * nothing of the peer, and does not count.
 */
export function dialFailed(c: Core, id: PeerID): void {
  const d = c.pend.get(id);
  if (!d) return;
  c.pend.delete(id);
  c.peers.get(d.via)?.neighbours.delete(id); // it does not reach that peer any more
  again(c, id, d.via || c.connected ? d.tries : Math.max(0, d.tries - 1), d.heard);
}

/**
 * Remembers a peer that could not be reached, or was lost, to be tried later:
 *
 *     wait = firstRedial × 2^tries × (0.5 … 1.5)
 */
export function again(c: Core, id: PeerID, tries: number, heard: boolean): void {
  if (c.banned.has(id) || c.cands.has(id)) return;
  let wait = dialRest;
  if (tries + 1 < maxTries) wait = firstRedial * 2 ** tries;
  else tries = maxTries - 2; // and one try after each rest
  addCandidate(c, id, heard, tries + 1, c.now + jitter(c, wait));
}

/**
 * Spreads a time over 0.5 to 1.5 of it, so that many peers who had the same thing
 * happen to them do not all come back at once.
 */
export const jitter = (c: Core, d: Duration): Duration => Math.trunc(d / 2) + Math.trunc(d * c.cfg.random());

/**
 * Remembers peers to connect to. A peer that failed is not tried any sooner for being
 * introduced again.
 */
export function introduced(c: Core, ids: PeerID[], heard: boolean): void {
  for (const id of ids) {
    if (id === c.cfg.id || c.peers.has(id) || c.banned.has(id) || c.pend.has(id)) continue;
    const known = c.cands.get(id);
    if (known) {
      known.heard &&= heard;
      known.known = c.now;
    } else addCandidate(c, id, heard, 0, 0);
  }
  checkPeers(c);
}
