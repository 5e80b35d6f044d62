// Neighbours of neighbours, and signals carried for them (swarm/exchange.go).
import { take } from "./allowance.ts";
import { introduced } from "./candidates.ts";
import { type Core, send } from "./core.ts";
import { EffectType } from "./effect.ts";
import type { ForwardOut } from "./input.ts";
import {
  MaxNeighbours,
  forwardBurst,
  forwardsPerSecond,
  listBurst,
  listsPerSecond,
  relayBurst,
  relaysPerSecond,
  remember,
} from "./limits.ts";
import { type Forward, MessageType, type PeerID, type Peers } from "./message.ts";
import type { Peer } from "./peer.ts";

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

/** Remembers that a neighbour knows a peer, the latest last. */
function knows(p: Peer, id: PeerID): void {
  p.neighbours.delete(id);
  remember(p.neighbours, id, MaxNeighbours);
}

/** Books a neighbour's neighbours: candidates, and ways to forward by. */
export function exchanged(c: Core, p: Peer, m: Peers): void {
  if (!take(p.lists, c.now, listBurst, listsPerSecond)) return;
  const ids = m.ids.slice(0, MaxNeighbours);
  for (const id of ids) if (id !== c.cfg.id) knows(p, id);
  introduced(c, ids, true);
}

/**
 * Sends a signalling payload by a neighbour that knows the receiver: the one that
 * carries its signals already, else the one of the shortest round trip.
 */
export function forwardOut(c: Core, { to, payload }: ForwardOut): void {
  if (to === c.cfg.id) return;
  const via = way(c, to);
  if (!via) return;
  const dial = c.pend.get(to);
  if (dial) dial.via = via.id;
  send(c, via, { type: MessageType.Forward, from: c.cfg.id, to, payload });
}

/** The neighbour to reach a peer by. */
export function way(c: Core, to: PeerID): Peer | undefined {
  let via = c.peers.get(c.pend.get(to)?.via ?? "");
  if (via?.neighbours.has(to)) return via;
  via = undefined;
  for (const p of c.links) if (p.greeted && p.neighbours.has(to) && (!via || p.rtt < via.rtt)) via = p;
  return via;
}

/**
 * Delivers a payload or passes it on, one step, at a bounded rate. The sender cannot
 * speak in another's name: a payload that is passed on bears the name of the link it
 * came by. One message in is one message out at most.
 */
export function forward(c: Core, p: Peer, f: Forward): void {
  const { from } = f;
  const to = c.peers.get(f.to);
  const allowed = take(p.forwards, c.now, forwardBurst, forwardsPerSecond);
  if (allowed && f.to === c.cfg.id) {
    // The answer goes back the way this came, as long as that is open.
    if (from !== f.to && !c.peers.has(from) && !c.banned.has(from)) knows(p, from);
    c.emit({ type: EffectType.Deliver, from, payload: f.payload });
  } else if (
    allowed &&
    to?.greeted &&
    to !== p &&
    from === p.id &&
    take(c.relayed, c.now, relayBurst, relaysPerSecond)
  ) {
    if (__EXPLAIN__) c.counters.forwards++;
    send(c, to, f);
  } else if (__EXPLAIN__) c.counters.forwardsCut++;
}
