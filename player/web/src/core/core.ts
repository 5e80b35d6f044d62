// The brain of one peer (swarm/core.go): a pure state machine without clock or I/O.
import type { Outage } from "./outage.ts";
import { type Config, type Settings, populate } from "./config.ts";
import { type Counters, newCounters } from "./counters.ts";
import { type Effect, EffectType } from "./effect.ts";
import { type Input, InputType, type Received } from "./input.ts";
import { type Key, type Message, MessageType, type PeerID } from "./message.ts";
import { relayBurst } from "./limits.ts";
import type { Duration, Time } from "./time.ts";
import { Reason, Timers } from "./timer.ts";
import { Bucket, ackBytes, messageBytes } from "./bucket.ts";
import { type Item, OriginClock } from "./item.ts";
import type { Allowance } from "./allowance.ts";
import { type Candidate, type Dial, introduced } from "./candidates.ts";
import { scout } from "./explore.ts";
import { checkPeers, review, timeFirst } from "./govern.ts";
import { expelSilent } from "./audit.ts";
import { type Peer, disconnect, greet, linkLost, linkUp, swarmState } from "./peer.ts";
import { needSignal, newWebsocket } from "./websocket.ts";
import { evicted, gained, held, step, unwant, want } from "./want.ts";
import { flushReserve, has, released, reserved, tellHave } from "./reserve.ts";
import { badPiece, conflict, fetchEnded, keepPrivate } from "./origin.ts";
import { began, cancelled, offered, refused } from "./offer.ts";
import { newUplink } from "./uplink.ts";
import { accepted, pump, sent } from "./upload.ts";
import { hash32 } from "./elect.ts";
import { flowing } from "./flow.ts";
import { type Track, subscribed, unsubscribed } from "./subscribe.ts";
import { exchanged, forward, forwardOut, way } from "./exchange.ts";

/**
 * `handle` takes an input, `drain` gives the effects, `next` says when it wants to be
 * called again, and why. Fields are for the files of this folder only.
 */
export class Core {
  readonly cfg: Config;
  now: Time = 0;

  readonly items = new Map<Key, Item>();
  readonly tracks = new Map<string, Track>();
  readonly peers = new Map<PeerID, Peer>();
  /** In order of arrival. */
  readonly links: Peer[] = [];
  readonly pend = new Map<PeerID, Dial>();
  readonly banned = new Set<PeerID>();
  readonly cands = new Map<PeerID, Candidate>();

  size = 0;
  connected = false;
  readonly websocket = newWebsocket();
  /** Links ever, for their order. */
  linked = 0;
  seekAt: Time = 0;
  seekWait: Duration = 0;
  reviewAt: Time = 0;
  huntAt: Time = 0;
  scoutAt: Time = 0;
  scoutWait: Duration = 0;
  /** More than maxPeers links. */
  crowded = false;
  /** When one of them must leave. */
  roomBy: Time = 0;
  reviews = 0;
  /** Forwards of all neighbours together. */
  readonly relayed: Allowance = { left: relayBurst, at: 0 };

  readonly origin: OriginClock;
  readonly upload = new Bucket();
  /** Pieces handed to links that have not left. */
  owed = 0;
  /** Since when there are some. */
  owedAt: Time = 0;
  /** When one left last. */
  sentAt: Time = 0;
  /** Nothing leaves. */
  mute = false;
  readonly uplink = newUplink();
  /** Of fair queueing. */
  clock = 0;
  /** When a seed's word was last heard. */
  seededAt: Time = 0;
  outage: Outage = { on: false, began: 0, patience: 0, ended: 0, over: 0 };
  /** When the last link went, or others were first heard of. */
  lonelyAt: Time = 0;
  /** Neighbours that let us down too often, during handle. */
  /** Makes this peer's order of equally rare pieces its own. */
  readonly salt: number;
  relays = 0;
  /** Running. */
  fetches = 0;
  /** Fetches of its own, see yields. */
  owning = 0;
  /** Elected, but maxElected are running. */
  readonly waiting: Item[] = [];
  transfer = 0;
  fetchID = 0;

  readonly timers = new Timers();
  readonly govern = this.timers.add(Reason.Govern);
  readonly refill = this.timers.add(Reason.Upload);
  readonly gossip = this.timers.add(Reason.Gossip);
  /** Since the last drain. */
  toReserve: Item[] = [];
  /** Whole keys gained (true) or lost (false) since the last Have, in order. */
  readonly changed = new Map<Key, boolean>();

  private effects: Effect[] = [];
  readonly counters: Counters = newCounters();

  constructor(settings: Settings) {
    this.cfg = populate(settings);
    this.salt = hash32(this.cfg.id);
    this.origin = new OriginClock(this.cfg.originTime);
    this.upload.rate = this.cfg.uploadMax;
  }

  /** Takes one input. Time must not go backwards; if it does, it stands still. */
  handle(now: Time, input: Input): void {
    this.now = Math.max(this.now, now);
    (handlers[input.type] as (c: Core, input: Input) => void)(this, input);
    runTimers(this);
  }

  /** The effects of all inputs since the last call, in order. */
  drain(): Effect[] {
    flushReserve(this);
    const out = this.effects;
    this.effects = [];
    return out;
  }

  /** When `handle` wants a Tick, and why; undefined when nothing is due. */
  next(): { at: Time; why: Reason } | undefined {
    return this.timers.first();
  }

  /** Whether a ForwardOut to a peer would find a way. */
  reaches(to: PeerID): boolean {
    return !!way(this, to);
  }

  emit(e: Effect): void {
    this.effects.push(e);
  }
}

type Of<U, T> = Extract<U, { type: T }>;

const handlers: { [T in InputType]: (c: Core, input: Of<Input, T>) => void } = {
  [InputType.Want]: want,
  [InputType.Unwant]: unwant,
  [InputType.LinkUp]: linkUp,
  [InputType.LinkDown]: linkLost,
  [InputType.Received]: received,
  [InputType.Gained]: (c, input) => {
    c.upload.spend(input.count * ackBytes);
    timeFirst(c, input);
    gained(c, input);
  },
  [InputType.Flowing]: flowing,
  [InputType.BadPiece]: badPiece,
  [InputType.Conflict]: conflict,
  [InputType.Sent]: sent,
  [InputType.Private]: keepPrivate,
  [InputType.FetchEnded]: fetchEnded,
  [InputType.Held]: held,
  [InputType.Evicted]: evicted,
  [InputType.SwarmState]: swarmState,
  [InputType.Introduced]: (c, { peers }) => introduced(c, peers, false),
  [InputType.NeedSignal]: needSignal,
  [InputType.Measured]: (c, { peer, rtt }) => {
    const p = c.peers.get(peer);
    if (p && rtt > 0) p.rtt = rtt;
  },
  [InputType.Condition]: (c, { metered, uploadMax }) => {
    c.cfg.metered = metered;
    c.upload.rate = Math.max(0, uploadMax);
  },
  [InputType.Trust]: (c, { signed }) => {
    c.cfg.signed = signed;
  },
  [InputType.ForwardOut]: forwardOut,
  [InputType.Tick]: () => {},
};

const receivers: { [T in MessageType]: (c: Core, p: Peer, m: Of<Message, T>) => void } = {
  // once is enough; a repeated one changes limits only
  [MessageType.Hello]: (_, p, m) => {
    p.hello = m;
  },
  [MessageType.Reserve]: reserved,
  [MessageType.Release]: released,
  [MessageType.Have]: has,
  [MessageType.Offer]: offered,
  [MessageType.Accept]: accepted,
  [MessageType.Refuse]: refused,
  [MessageType.Begin]: began,
  [MessageType.Cancel]: cancelled,
  [MessageType.Subscribe]: subscribed,
  [MessageType.Unsubscribe]: unsubscribed,
  [MessageType.Peers]: exchanged,
  [MessageType.Forward]: forward,
  [MessageType.Bye]: (c, p, m) => disconnect(c, p, "bye: " + m.reason),
};

function received(c: Core, { from, message: m }: Received): void {
  const p = c.peers.get(from);
  if (!p) return;
  if (p.greeted) (receivers[m.type] as (c: Core, p: Peer, m: Message) => void)(c, p, m);
  else if (m.type === MessageType.Hello) greet(c, p, m);
  else disconnect(c, p, "first message is not a hello");
}

function runTimers(c: Core): void {
  for (let t; (t = c.timers.first()) && t.at <= c.now; ) {
    c.timers.clear(t);
    if (t === c.govern) {
      expelSilent(c);
      review(c);
      if (__SEEDS__) scout(c);
      checkPeers(c);
    } else if (t === c.refill) pump(c);
    else if (t === c.gossip) tellHave(c);
    else step(c, t.item!);
  }
}

export function send(c: Core, p: Peer, message: Message): void {
  c.emit({ type: EffectType.Send, to: p.id, message });
  c.upload.spend(messageBytes);
}

/** Writes one line of the event log. Calls stand behind __EXPLAIN__. */
export function note(c: Core, line: string): void {
  c.cfg.log?.(c.now, line);
}
