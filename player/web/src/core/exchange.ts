// Neighbours of neighbours, and signals carried for them (swarm/exchange.go).
import { type Core, send } from "./core.ts";
import { EffectType } from "./effect.ts";
import type { ForwardOut } from "./input.ts";
import { MaxNeighbours, forwardsPerSecond } from "./limits.ts";
import { type Forward, MessageType, type PeerID } from "./message.ts";
import { type Peer, introduced } from "./peer.ts";
import { second } from "./time.ts";

/**
 * Tells a new neighbour who else is linked here, and the others of it, so that the
 * mesh grows and signals find a way without the server.
 */
export function introduce(c: Core, p: Peer): void {
  const others = c.links.filter((o) => o !== p && o.greeted);
  if (!others.length) return;
  const peers = (ids: PeerID[]) => ({ type: MessageType.Peers, ids }) as const;
  send(c, p, peers(others.slice(0, MaxNeighbours).map((o) => o.id)));
  for (const o of others) send(c, o, peers([p.id]));
}

/** Books a neighbour's neighbours: candidates, and ways to forward by. */
export function exchanged(c: Core, p: Peer, ids: PeerID[]): void {
  for (const id of ids.slice(0, MaxNeighbours)) {
    if (id === c.cfg.id || p.neighbours.includes(id)) continue;
    if (p.neighbours.length === MaxNeighbours) p.neighbours.shift();
    p.neighbours.push(id);
  }
  if (c.links.length < c.cfg.minPeers || !c.connected) introduced(c, ids);
}

/** Sends a signalling payload by a neighbour that knows the receiver. */
export function forwardOut(c: Core, { to, payload }: ForwardOut): void {
  const p = c.links.find((p) => p.greeted && p.neighbours.includes(to));
  if (p) send(c, p, { type: MessageType.Forward, from: c.cfg.id, to, payload });
}

/**
 * Delivers a payload or passes it on, one step, at a bounded rate. The sender cannot
 * speak in another's name: a payload that is passed on bears the name of the link it
 * came by.
 */
export function forward(c: Core, p: Peer, f: Forward): void {
  if (c.now - p.forwardsAt >= second) {
    p.forwards = 0;
    p.forwardsAt = c.now;
  }
  if (++p.forwards > forwardsPerSecond) return;
  if (f.to === c.cfg.id) return c.emit({ type: EffectType.Deliver, from: f.from, payload: f.payload });
  const to = c.peers.get(f.to);
  if (to?.greeted && f.from === p.id) {
    c.counters.forwards++;
    send(c, to, f);
  }
}
