// A linked neighbour, and how many there are of them (swarm/peer.go).
import { type Core, note, send } from "./core.ts";
import { Version } from "./config.ts";
import { EffectType } from "./effect.ts";
import type { LinkUp, SwarmState } from "./input.ts";
import { type Inbound, type Item, type Outbound, of, useful } from "./item.ts";
import { MaxBanned, MaxCandidates, MaxInterests, compare, remember, remove } from "./limits.ts";
import { type Hello, type Key, MessageType, type PeerID } from "./message.ts";
import { introduce } from "./exchange.ts";
import { removeInbound } from "./offer.ts";
import { greetHave, removeReservation, reserveAt } from "./reserve.ts";
import { type Duration, type Time, second } from "./time.ts";
import { Reason } from "./timer.ts";
import { removeOutbound } from "./upload.ts";
import { step } from "./want.ts";

export interface Peer {
  readonly id: PeerID;
  readonly order: number;
  hello: Hello;
  greeted: boolean;

  rtt: Duration;
  /** Smoothed time from Accept to Begin. */
  answer: Duration;
  /** Pieces. */
  delivered: number;
  /** Pieces. */
  uploaded: number;
  strikes: number;

  readonly inbound: Inbound[];
  readonly outbound: Outbound[];
  outstanding: number;
  readonly reserved: Set<Key>;
  readonly haves: Set<Key>;
  /** That it showed interest in. */
  readonly tracks: Set<string>;
  /** Tracks pushed to it, with refused pushes in a row. */
  readonly children: Map<string, number>;
  readonly neighbours: PeerID[];
  /** In the current second. */
  forwards: number;
  forwardsAt: Time;
}

/** Remembers a neighbour's interest in a track. */
export const interested = (p: Peer, track: string): void => remember(p.tracks, track, MaxInterests);

/** Smooths the time a source needs to begin. */
export function answered(p: Peer, d: Duration): void {
  p.answer = p.answer ? p.answer + Math.trunc((d - p.answer) / 8) : Math.max(d, 1);
}

/** After which an attempt is forgotten. */
const connectPatience = 15 * second;
/** Between questions for peers above the minimum. */
const seekMore = 15 * second;
const firstSeek = second;
const lastSeek = 30 * second;

/** Greets a new neighbour; what it needs to know follows its own hello. */
export function linkUp(c: Core, l: LinkUp): void {
  c.pend.delete(l.peer);
  remove(c.cands, l.peer);
  if (c.peers.has(l.peer) || l.peer === c.cfg.id) return;
  if (c.banned.has(l.peer)) {
    c.emit({ type: EffectType.Disconnect, peer: l.peer, reason: "banned" });
    return;
  }
  const hello: Hello = { type: MessageType.Hello, version: 0, seed: false, metered: false, uplink: 0, maxPeers: 0 };
  const p: Peer = {
    id: l.peer,
    order: ++c.linked,
    hello,
    greeted: false,
    rtt: l.rtt,
    answer: 0,
    delivered: 0,
    uploaded: 0,
    strikes: 0,
    inbound: [],
    outbound: [],
    outstanding: 0,
    reserved: new Set(),
    haves: new Set(),
    tracks: new Set(),
    children: new Map(),
    neighbours: [],
    forwards: 0,
    forwardsAt: 0,
  };
  c.peers.set(l.peer, p);
  c.links.push(p);
  c.seekWait = firstSeek;
  const { seed, metered, uploadMax: uplink, maxPeers } = c.cfg;
  send(c, p, { type: MessageType.Hello, version: Version, seed, metered, uplink, maxPeers });
  checkPeers(c);
}

/** Completes a link: the neighbour learns what is held, wanted and who else is there. */
export function greet(c: Core, p: Peer, h: Hello): void {
  if (h.version !== Version) return disconnect(c, p, "protocol version differs");
  p.hello = h;
  p.greeted = true;
  greetHave(c, p);
  const wishes = [...c.items.values()].filter(useful);
  reserveAt(c, p, wishes.sort(byDeadline));
  introduce(c, p);
}

/** The item due first comes first. */
export const byDeadline = (a: Item, b: Item): number => a.need.deadline - b.need.deadline || compare(a.key, b.key);

/** Takes a neighbour out of every table and finds other sources. */
export function linkDown(c: Core, id: PeerID): void {
  c.pend.delete(id);
  const p = c.peers.get(id);
  if (p) {
    c.peers.delete(id);
    remove(c.links, p);
    for (const t of c.tracks.values()) {
      if (t.parent === p) {
        t.parent = undefined;
        t.streak = 0;
      }
      if (t.subscribed === p) t.subscribed = undefined;
    }
    while (p.outbound[0]) removeOutbound(p.outbound[0]);
    const orphans: Item[] = [];
    for (let in_; (in_ = p.inbound[0]); ) {
      const it = in_.item;
      orphans.push(it);
      removeInbound(in_);
      it.electFrom = Math.max(it.need.available, c.now);
    }
    for (const k of [...p.reserved].sort(compare)) {
      const it = c.items.get(k)!;
      removeReservation(it, of(it.reserved, p)!);
      if (!useful(it) || it.relay) orphans.push(it);
    }
    for (const it of c.items.values()) it.offers = it.offers.filter((o) => o.peer !== p);
    for (const it of orphans) if (c.items.get(it.key) === it) step(c, it);
  }
  checkPeers(c);
}

/**
 * Keeps the number of neighbours between the minimum and the maximum. It runs when
 * the websocket connects and whenever a peer comes or goes.
 */
export function checkPeers(c: Core): void {
  const { minPeers, maxPeers } = c.cfg;
  for (const [id, since] of c.pend) if (c.now - since >= connectPatience) c.pend.delete(id);
  if (c.links.length > maxPeers) return disconnect(c, worst(c), "too many peers");
  // two places stay free for peers that find us
  const target = Math.max(minPeers, maxPeers - 2);
  while (c.links.length + c.pend.size < target && c.cands.length) {
    const peer = c.cands.shift()!;
    if (c.peers.has(peer) || c.banned.has(peer)) continue;
    c.pend.set(peer, c.now);
    c.emit({ type: EffectType.Connect, peer });
  }
  const missing = target - c.links.length - c.pend.size;
  checkWebsocket(c);
  if (missing <= 0 || !c.connected) {
    c.timers.clear(c.govern);
    if (c.pend.size) c.timers.set(c.govern, c.now + connectPatience, Reason.Govern);
    return;
  }
  if (c.now >= c.seekAt) {
    c.emit({ type: EffectType.Discover, count: missing });
    let wait = seekMore;
    if (c.links.length < minPeers) wait = c.seekWait = Math.min(Math.max(c.seekWait * 2, firstSeek), lastSeek);
    c.seekAt = c.now + wait;
  }
  c.timers.set(c.govern, c.seekAt, Reason.Govern);
}

/**
 * Leaves the signalling server when nothing is missing and comes back when too few
 * neighbours are left (disconnectWebsocketOnMax).
 */
function checkWebsocket(c: Core): void {
  if (!c.cfg.disconnectWebsocketOnMax) return;
  if (!c.closedWS && c.links.length >= c.cfg.maxPeers) {
    c.closedWS = true;
    c.emit({ type: EffectType.CloseSignal });
  } else if (c.closedWS && c.links.length < c.cfg.minPeers) {
    c.closedWS = false;
    c.emit({ type: EffectType.OpenSignal });
  }
}

/**
 * The neighbour with most failures, then least delivered, then newest; a seed is
 * never the worst.
 */
function worst(c: Core): Peer {
  return c.links.reduce((a, b) => {
    const d =
      +a.hello.seed - +b.hello.seed || b.strikes - a.strikes || a.delivered - b.delivered || b.order - a.order;
    return d <= 0 ? a : b;
  });
}

export function swarmState(c: Core, s: SwarmState): void {
  c.size = s.size;
  if (s.connected && !c.connected) {
    c.seekAt = c.now;
    c.seekWait = 0;
  }
  c.connected = s.connected;
  checkPeers(c);
}

/** Remembers peers to connect to. */
export function introduced(c: Core, ids: PeerID[]): void {
  for (const id of ids) {
    if (id === c.cfg.id || c.peers.has(id) || c.banned.has(id) || c.cands.includes(id) || c.pend.has(id)) continue;
    if (c.cands.length === MaxCandidates) c.cands.shift();
    c.cands.push(id);
  }
  checkPeers(c);
}

export function disconnect(c: Core, p: Peer, reason: string): void {
  c.emit({ type: EffectType.Disconnect, peer: p.id, reason });
  linkDown(c, p.id);
}

/** Bans a neighbour, or a peer that is none any more. */
export function ban(c: Core, peer: PeerID, key: Key, reason: string): void {
  remember(c.banned, peer, MaxBanned);
  c.counters.bans++;
  if (__EXPLAIN__) note(c, `ban ${peer} for ${key}: ${reason}`);
  c.emit({ type: EffectType.Ban, peer, key, reason });
  if (c.peers.has(peer)) linkDown(c, peer);
}
