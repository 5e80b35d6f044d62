// What the map draws: the fields of signal/ADMIN.md that it needs, under their names.

/** Bytes and rates as a member reported them last. */
export interface Report {
  origin_bytes: number;
  peer_bytes: number;
  sent_bytes: number;
  /** Bytes a second. */
  origin_rate: number;
  peer_rate: number;
  sent_rate: number;
  stalls: number;
  buffer_ms: number;
}

export interface Peer {
  id: string;
  seed: boolean;
  /** Latitude and longitude in degrees; null when nobody knows. */
  place: [number, number] | null;
  country?: string;
  asn?: number;
  /** Null: it does not report. */
  report: Report | null;
}

/** A connection between two members, a < b. */
export interface Link {
  a: string;
  b: string;
  /** Bytes a second from a to b, and from b to a. */
  ab: number;
  ba: number;
  /** 0: unknown. */
  rtt_ms: number;
}

export interface Summary {
  swarm: string;
  name?: string;
  members: number;
  here: number;
  seeds: number;
  origin_bytes: number;
  peer_bytes: number;
  stalls: number;
  offload: number;
}

/** A swarm's rates at one time. */
export interface Point {
  at: string;
  members: number;
  offload: number;
  saved_bytes: number;
}

export interface Swarm {
  summary: Summary;
  peers: Peer[];
  links: Link[];
  history: Point[];
}

/** A change as the server sends it; lists without an entry are left out. */
export interface Change {
  summary?: Summary;
  peers?: Peer[];
  gone?: string[];
  links?: Link[];
  unlinked?: [string, string][];
  history?: Point[];
}

/** An hour of points, as the server keeps them. */
const pointsKept = 360;

/** Puts a change over what is there. Peers and links keep their order, new ones come last. */
export function changed(s: Swarm, c: Change): Swarm {
  const merge = <T>(old: readonly T[], fresh: readonly T[] | undefined, gone: ReadonlySet<string>, name: (t: T) => string): T[] => {
    const all = new Map(old.map((t) => [name(t), t]));
    for (const t of fresh ?? []) all.set(name(t), t);
    for (const n of gone) all.delete(n);
    return [...all.values()];
  };
  return {
    summary: c.summary ?? s.summary,
    peers: merge(s.peers, c.peers, new Set(c.gone), (p) => p.id),
    links: merge(s.links, c.links, new Set((c.unlinked ?? []).map(([a, b]) => `${a} ${b}`)), (l) => `${l.a} ${l.b}`),
    history: [...s.history, ...(c.history ?? [])].slice(-pointsKept),
  };
}

/** A link that is drawn, from and to being indices of peers, the way most bytes go. */
export interface Edge {
  from: number;
  to: number;
  /** Bytes a second in both directions. */
  flow: number;
}

/** More edges than this are left out, those that carry the least first. */
export const maxEdges = 3000;

/** The busiest first. */
export function edges(s: Swarm): Edge[] {
  const index = new Map(s.peers.map((p, i) => [p.id, i]));
  const list: Edge[] = [];
  for (const l of s.links) {
    const [a, b] = [index.get(l.a), index.get(l.b)];
    if (a === undefined || b === undefined) continue; // its other end is on another server
    list.push(l.ab >= l.ba ? { from: a, to: b, flow: l.ab + l.ba } : { from: b, to: a, flow: l.ab + l.ba });
  }
  return list.sort((x, y) => y.flow - x.flow).slice(0, maxEdges);
}

/** One peer's links, seen from it, the busiest first. */
export function linksOf(s: Swarm, id: string): { peer: string; rttMs: number; in: number; out: number }[] {
  const list = s.links.flatMap((l) => {
    if (l.a === id) return [{ peer: l.b, rttMs: l.rtt_ms, in: l.ba, out: l.ab }];
    if (l.b === id) return [{ peer: l.a, rttMs: l.rtt_ms, in: l.ab, out: l.ba }];
    return [];
  });
  return list.sort((x, y) => y.in + y.out - (x.in + x.out));
}

/** The share of a peer's bytes that did not come from the origin; NaN before the first. */
export const offload = (r: { origin_bytes: number; peer_bytes: number }): number => r.peer_bytes / (r.origin_bytes + r.peer_bytes);
