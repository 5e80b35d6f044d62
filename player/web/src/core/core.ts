// The brain of one peer (swarm/core.go): a pure state machine without clock or I/O.
import { type Config, type Settings, populate } from "./config.ts";
import { type Counters, newCounters, type Sizes, sizes } from "./counters.ts";
import { type Effect, EffectType } from "./effect.ts";
import { type Input, InputType } from "./input.ts";
import { type Key, type Message, MessageType, type PeerID } from "./message.ts";
import { relayBurst } from "./limits.ts";
import type { Duration, Time } from "./time.ts";
import { Reason, Timers } from "./timer.ts";
import { Bucket } from "./bucket.ts";
import { type Item, OriginClock } from "./item.ts";
import type { Allowance } from "./allowance.ts";
import { type Candidate, type Dial, introduced } from "./candidates.ts";
import { checkPeers, review, timeFirst } from "./govern.ts";
import { type Peer, disconnect, greet, linkLost, linkUp, swarmState } from "./peer.ts";
import { needSignal, newWebsocket } from "./websocket.ts";
import { evicted, gained, held, step, unwant, want } from "./want.ts";
import { flushReserve, has, released, reserved, tellHave } from "./reserve.ts";
import { badPiece, conflict, fetchEnded, keepPrivate } from "./origin.ts";
import { began, cancelled, offered, refused } from "./offer.ts";
import { accepted, pump, sent } from "./upload.ts";
import { flowing } from "./flow.ts";
import { type Track, subscribed, unsubscribed } from "./subscribe.ts";
import { exchanged, forward, forwardOut } from "./exchange.ts";

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
  reviews = 0;
  /** Forwards of all neighbours together. */
  readonly relayed: Allowance = { left: relayBurst, at: 0 };

  readonly origin: OriginClock;
  readonly upload = new Bucket();
  /** With reservations that there was no room to offer to. */
  hungry: Item[] = [];
  relays = 0;
  /** Running. */
  fetches = 0;
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
    this.origin = new OriginClock(this.cfg.originTime);
    this.upload.rate = this.cfg.uploadMax;
  }

  /** Takes one input. Time must not go backwards; if it does, it stands still. */
  handle(now: Time, input: Input): void {
    this.now = Math.max(this.now, now);
    handle(this, input);
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

  /** Lengths of the brain's tables. */
  sizes(): Sizes {
    return sizes(this);
  }

  emit(e: Effect): void {
    this.effects.push(e);
  }
}

function handle(c: Core, input: Input): void {
  switch (input.type) {
    case InputType.Want:
      return want(c, input);
    case InputType.Unwant:
      return unwant(c, input.keys);
    case InputType.LinkUp:
      return linkUp(c, input);
    case InputType.LinkDown:
      return linkLost(c, input.peer);
    case InputType.Received: {
      const p = c.peers.get(input.from);
      return p && receive(c, p, input.message);
    }
    case InputType.Gained:
      timeFirst(c, input);
      return gained(c, input);
    case InputType.Flowing:
      return flowing(c, input);
    case InputType.BadPiece:
      return badPiece(c, input.from, input.key);
    case InputType.Conflict:
      return conflict(c, input);
    case InputType.Sent:
      return sent(c, input);
    case InputType.Private:
      return keepPrivate(c, input.key);
    case InputType.FetchEnded:
      return fetchEnded(c, input);
    case InputType.Held:
      return held(c, input);
    case InputType.Evicted:
      return evicted(c, input.key);
    case InputType.SwarmState:
      return swarmState(c, input);
    case InputType.Introduced:
      return introduced(c, input.peers, false);
    case InputType.NeedSignal:
      return needSignal(c);
    case InputType.Measured: {
      const p = c.peers.get(input.peer);
      if (p && input.rtt > 0) p.rtt = input.rtt;
      return;
    }
    case InputType.Condition:
      c.cfg.metered = input.metered;
      c.upload.rate = Math.max(0, input.uploadMax);
      return;
    case InputType.Trust:
      c.cfg.signed = input.signed;
      return;
    case InputType.ForwardOut:
      return forwardOut(c, input);
    case InputType.Tick:
  }
}

function receive(c: Core, p: Peer, m: Message): void {
  if (!p.greeted) {
    if (m.type !== MessageType.Hello) disconnect(c, p, "first message is not a hello");
    else greet(c, p, m);
    return;
  }
  switch (m.type) {
    case MessageType.Hello: // once is enough; a repeated one changes limits only
      p.hello = m;
      return;
    case MessageType.Reserve:
      return reserved(c, p, m);
    case MessageType.Release:
      return released(c, p, m.keys);
    case MessageType.Have:
      return has(c, p, m);
    case MessageType.Offer:
      return offered(c, p, m);
    case MessageType.Accept:
      return accepted(c, p, m);
    case MessageType.Refuse:
      return refused(c, p, m);
    case MessageType.Begin:
      return began(c, p, m);
    case MessageType.Cancel:
      return cancelled(c, p, m.key);
    case MessageType.Subscribe:
      return subscribed(c, p, m);
    case MessageType.Unsubscribe:
      return unsubscribed(c, p, m.track);
    case MessageType.Peers:
      return exchanged(c, p, m.ids);
    case MessageType.Forward:
      return forward(c, p, m);
    case MessageType.Bye:
      return disconnect(c, p, "bye: " + m.reason);
  }
}

function runTimers(c: Core): void {
  for (let t; (t = c.timers.first()) && t.at <= c.now; ) {
    c.timers.clear(t);
    if (t === c.govern) {
      review(c);
      checkPeers(c);
    } else if (t === c.refill) for (const p of c.links) pump(c, p);
    else if (t === c.gossip) tellHave(c);
    else step(c, t.item!);
  }
}

export function send(c: Core, p: Peer, message: Message): void {
  c.emit({ type: EffectType.Send, to: p.id, message });
}

/** Writes one line of the event log. Calls stand behind __EXPLAIN__. */
export function note(c: Core, line: string): void {
  c.cfg.log?.(c.now, line);
}
