// What the page is told of a node.
import { causeNames } from "../core/index.ts";
import type { EngineStats, Source } from "../engine.ts";
import type { Node } from "../node/node.ts";
import type { Stream } from "../node/stream.ts";

export function statsOf(n: Node): EngineStats {
  const { tally } = n;
  const originByCause: Record<string, number> = {};
  n.counters().originBytes.forEach((bytes, cause) => {
    if (bytes) originByCause[causeNames[cause]!] = bytes;
  });
  return {
    swarm: n.cfg.swarm,
    peer: n.cfg.network.id,
    peers: n.neighbours.size,
    swarmSize: n.swarmSize,
    originBytes: tally.origin,
    peerBytes: tally.peer,
    cacheBytes: tally.cache,
    sentBytes: tally.uploaded,
    consumedBytes: tally.consumed,
    offload: tally.consumed ? 1 - tally.origin / tally.consumed : 0,
    piecesRejected: tally.rejected,
    banned: tally.banned,
    integrity: n.key ? "signed" : "cross-checked",
    originByCause,
    links: [...n.neighbours.values()].map((lk) => ({
      peer: lk.peer,
      seed: lk.seed,
      rttMs: lk.link.rtt() / 1e6,
      receivedBytes: lk.bytesIn,
      sentBytes: lk.bytesOut,
    })),
  };
}

/** Splits bytes by who brought them, "" being the origin. */
export function split(from: Map<string, number>): { sources: Record<Source, number>; peers: Record<string, number> } {
  const sources = { memory: 0, disk: 0, peer: 0, origin: 0 };
  const peers: Record<string, number> = {};
  for (const [peer, bytes] of from) {
    sources[peer ? "peer" : "origin"] += bytes;
    if (peer) peers[peer] = bytes;
  }
  return { sources, peers };
}

/** The same of what a stream read. */
export function sourcesOf(s: Stream): ReturnType<typeof split> {
  if (!s.hit) return split(s.from);
  const none = split(new Map());
  none.sources[s.hit] = Math.max(s.size, 0);
  return none;
}
