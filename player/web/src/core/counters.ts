// Running totals of one brain's decisions, and the lengths of its tables (swarm/counters.go).
import { Cause } from "./effect.ts";
import type { Core } from "./core.ts";

export interface Counters {
  /** By Cause. */
  originBytes: number[];
  /** By Cause. */
  fetches: number[];
  fetchErrors: number;
  /** Received. */
  reservations: number;
  offersSent: number;
  offersHeard: number;
  /** Sent. */
  accepts: number;
  /** Received. */
  refusals: number;
  /** Transfers begun for subscribers. */
  pushes: number;
  /** Fresh, from peers. */
  piecesIn: number;
  /** Fresh, from the origin. */
  piecesOrigin: number;
  /** Came although held. */
  piecesTwice: number;
  piecesOut: number;
  /** Pieces asked of a second source. */
  stolen: number;
  /** Pushes given up because others had the pieces first. */
  overtaken: number;
  /** Sources replaced because they sent nothing. */
  stalls: number;
  /** Of neighbours that were silent with pieces owed. */
  audits: number;
  /** Of those that they did not pass. */
  letDowns: number;
  bans: number;
  conflicts: number;
  forwards: number;
  /** Not relayed: over the limit, or not allowed. */
  forwardsCut: number;
  /** Neighbours connected to find out whether they are better. */
  trials: number;
  /** Neighbours let go because they are poor, or a better one was found. */
  evictions: number;
  /** Segments made whole here. */
  completed: number;
  /** Of them without one origin byte. */
  completedPeer: number;
}

export function newCounters(): Counters {
  const byCause = () => new Array<number>(Cause.NotShareable + 1).fill(0);
  const originBytes = byCause();
  if (!__EXPLAIN__) return { originBytes } as Counters; // the only one that a page tells of
  return {
    originBytes,
    fetches: byCause(),
    fetchErrors: 0,
    reservations: 0,
    offersSent: 0,
    offersHeard: 0,
    accepts: 0,
    refusals: 0,
    pushes: 0,
    piecesIn: 0,
    piecesOrigin: 0,
    piecesTwice: 0,
    piecesOut: 0,
    stolen: 0,
    overtaken: 0,
    stalls: 0,
    audits: 0,
    letDowns: 0,
    bans: 0,
    conflicts: 0,
    forwards: 0,
    forwardsCut: 0,
    trials: 0,
    evictions: 0,
    completed: 0,
    completedPeer: 0,
  };
}

/** Lengths of the brain's tables, for invariants and metrics. */
export interface Sizes {
  items: number;
  tracks: number;
  links: number;
  pending: number;
  candidates: number;
  banned: number;
  reservations: number;
  haves: number;
  inbound: number;
  outbound: number;
}

export function sizes(c: Core): Sizes {
  const s: Sizes = {
    items: c.items.size,
    tracks: c.tracks.size,
    links: c.links.length,
    pending: c.pend.size,
    candidates: c.cands.size,
    banned: c.banned.size,
    reservations: 0,
    haves: 0,
    inbound: 0,
    outbound: 0,
  };
  for (const p of c.links) {
    s.reservations += p.reserved.size;
    s.haves += p.haves.size;
    s.inbound += p.sources.length;
    s.outbound += p.outbound.length;
  }
  return s;
}
