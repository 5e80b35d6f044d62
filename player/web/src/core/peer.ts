// A linked neighbour (swarm/peer.go).
import { type Core, note, send } from "./core.ts";
import { Version } from "./config.ts";
import { EffectType } from "./effect.ts";
import type { LinkDown, LinkUp, SwarmState } from "./input.ts";
import { type Item, type Outbound, of, useful } from "./item.ts";
import { MaxBanned, MaxInterests, compare, forwardBurst, listBurst, remember, remove } from "./limits.ts";
import { type Hello, type Key, MessageType, type PeerID } from "./message.ts";
import type { Allowance } from "./allowance.ts";
import { type Audit, bar, noAudit } from "./audit.ts";
import { again, dialFailed, jitter } from "./candidates.ts";
import { hash32 } from "./elect.ts";
import { introduce } from "./exchange.ts";
import { type Record, checkPeers, firstSeek, reviewEvery } from "./govern.ts";
import { greeting } from "./mute.ts";
import { greetHave, removeReservation, reserveAt } from "./reserve.ts";
import { type Source, busy, removeSource } from "./source.ts";
import { type Subscriber, type Lead, lose } from "./subscribe.ts";
import type { Duration, Time } from "./time.ts";
import { removeOutbound } from "./upload.ts";
import { step } from "./want.ts";

export interface Peer {
  readonly id: PeerID;
  readonly order: number;
  /** Of the id. */
  readonly salt: number;
  hello: Hello;
  greeted: boolean;
  readonly since: Time;

  /** Of the link, as ICE measures it. */
  rtt: Duration;
  /** Smoothed time from Accept to Begin. */
  answer: Duration;
  /** Smoothed time from Accept to the first piece. */
  first: Duration;
  /** Pieces. */
  delivered: number;
  /** Pieces. */
  uploaded: number;
  strikes: number;
  /** Segments in a row on which it fell silent. */
  audit: Audit;
  /** It is not audited before. */
  auditFrom: Time;
  record: Record;
  /** Connected to find out whether it is better than others. */
  trial: boolean;

  readonly sources: Source[];
  /** Pieces it owes. */
  waiting: number;
  /** Smoothed time between its pieces, 0 unknown. */
  service: Duration;
  /** Nothing came since it was asked after a pause. */
  rested: boolean;
  /** The first time since that pause. */
  askedAt: Time;
  lastPiece: Time;
  /** It kept silent and is not asked before. */
  shunUntil: Time;
  readonly leads: Map<string, Lead>;
  /** Slices of each track that it pushes here. */
  readonly parentOf: Map<string, number>;
  readonly outbound: Outbound[];
  outstanding: number;
  /** When the last of them was handed over. */
  owedAt: Time;
  /** Of fair queueing. */
  clock: number;
  readonly reserved: Set<Key>;
  readonly haves: Set<Key>;
  /** That it showed interest in. */
  readonly tracks: Set<string>;
  /** By track. */
  readonly children: Map<string, Subscriber>;
  /** That it told of, the latest last. */
  readonly neighbours: Set<PeerID>;
  /** What it may still have relayed. */
  readonly forwards: Allowance;
  /** Of Peers messages. */
  readonly lists: Allowance;
}

/** Remembers a neighbour's interest in a track. */
export const interested = (p: Peer, track: string): void => remember(p.tracks, track, MaxInterests);

/** Smooths the time a source needs to begin. */
export function answered(p: Peer, d: Duration): void {
  p.answer = p.answer ? p.answer + Math.trunc((d - p.answer) / 8) : Math.max(d, 1);
}

/** Greets a new neighbour; what it needs to know follows its own hello. */
export function linkUp(c: Core, l: LinkUp): void {
  const trial = !!c.pend.get(l.peer)?.trial;
  c.pend.delete(l.peer);
  const known = c.cands.get(l.peer);
  if (known?.barred && c.now < known.until && c.links.length >= c.cfg.minPeers) {
    c.emit({ type: EffectType.Disconnect, peer: l.peer, reason: "offered and did not send" });
    return;
  }
  c.cands.delete(l.peer);
  if (c.peers.has(l.peer) || l.peer === c.cfg.id) return;
  if (c.banned.has(l.peer)) {
    c.emit({ type: EffectType.Disconnect, peer: l.peer, reason: "banned" });
    return;
  }
  const hello: Hello = { type: MessageType.Hello, version: 0, seed: false, metered: false, uplink: 0, maxPeers: 0 };
  const p: Peer = {
    id: l.peer,
    order: ++c.linked,
    salt: hash32(l.peer),
    hello,
    greeted: false,
    since: c.now,
    rtt: l.rtt,
    answer: 0,
    first: 0,
    delivered: 0,
    uploaded: 0,
    strikes: 0,
    audit: noAudit,
    auditFrom: 0,
    record: { value: 0, failures: 0, delivered: 0, uploaded: 0, strikes: 0 },
    trial,
    sources: [],
    waiting: 0,
    service: 0,
    rested: false,
    askedAt: 0,
    lastPiece: 0,
    shunUntil: 0,
    leads: new Map(),
    parentOf: new Map(),
    outbound: [],
    outstanding: 0,
    owedAt: 0,
    clock: 0,
    reserved: new Set(),
    haves: new Set(),
    tracks: new Set(),
    children: new Map(),
    neighbours: new Set(),
    forwards: { left: forwardBurst, at: c.now },
    lists: { left: listBurst, at: c.now },
  };
  c.peers.set(l.peer, p);
  c.links.push(p);
  c.seekWait = firstSeek;
  c.reviewAt ||= c.now + jitter(c, reviewEvery);
  send(c, p, greeting(c));
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

/** A link that broke, or never came up. */
export function linkLost(c: Core, { peer }: LinkDown): void {
  if (c.peers.has(peer)) again(c, peer, 1, false); // who leaves on purpose says so
  linkDown(c, peer);
}

/** Takes a neighbour out of every table and finds other sources. */
function linkDown(c: Core, id: PeerID): void {
  const p = c.peers.get(id);
  if (!p) dialFailed(c, id);
  else {
    if (p.audit.key) bar(c, p);
    c.pend.delete(id);
    c.peers.delete(id);
    remove(c.links, p);
    if (!c.links.length) c.lonelyAt = c.now;
    for (const track of p.parentOf.keys()) lose(c, p, track);
    c.owed -= p.outstanding;
    p.outstanding = 0;
    while (p.outbound[0]) removeOutbound(p.outbound[0]);
    const orphans: Item[] = [];
    for (let s; (s = p.sources.at(-1)); removeSource(c, s))
      if (busy(s)) {
        orphans.push(s.item);
        s.item.electFrom = Math.max(s.item.need.available, s.item.electFrom, c.now);
      }
    for (const k of [...p.reserved].sort(compare)) {
      const it = c.items.get(k)!;
      removeReservation(it, of(it.reserved, p)!);
      if (!useful(it) || it.relay) orphans.push(it);
    }
    for (const it of orphans) if (c.items.get(it.key) === it) step(c, it);
  }
  checkPeers(c);
}

export function swarmState(c: Core, s: SwarmState): void {
  if (!c.size && !c.links.length) c.lonelyAt = c.now;
  c.size = s.size;
  if (s.connected && !c.connected) {
    c.seekAt = c.now;
    c.seekWait = 0;
  }
  c.connected = s.connected;
  checkPeers(c);
}

export function disconnect(c: Core, p: Peer, reason: string): void {
  c.emit({ type: EffectType.Disconnect, peer: p.id, reason });
  linkDown(c, p.id);
}

/** Bans a neighbour, or a peer that is none any more. */
export function ban(c: Core, peer: PeerID, key: Key, reason: string): void {
  remember(c.banned, peer, MaxBanned);
  if (__EXPLAIN__) c.counters.bans++;
  if (__EXPLAIN__) note(c, `ban ${peer} for ${key}: ${reason}`);
  c.emit({ type: EffectType.Ban, peer, key, reason });
  if (c.peers.has(peer)) linkDown(c, peer);
}
