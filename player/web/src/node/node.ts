// One peer: the edge around a brain (swarm/node/node.go). It turns the brain's effects
// into messages, pieces, origin fetches and store entries.
//
// Fields are for the files of this folder only.
import { Core, EffectType, InputType, type Config, type Counters, type Effect, type Input, type Key, type PeerID, type Time } from "../core/index.ts";
import { Fault, SegmentError } from "../segments/errors.ts";
import { verify } from "../segments/ed25519.ts";
import { seal } from "../segments/segment.ts";
import type { Store } from "../segments/store.ts";
import type { Claim } from "./claims.ts";
import { distrust, settleClaims } from "./claims.ts";
import { fetch } from "./fetch.ts";
import { Neighbour } from "./links.ts";
import type { Network } from "./network.ts";
import { Obj, sizeGuess, type Resource } from "./object.ts";
import { plan } from "./plan.ts";
import { disconnect, handlerOf } from "./receive.ts";
import { send, transmit } from "./send.ts";
import { Stream, type Reader } from "./stream.ts";
import { transmitTail } from "./tails.ts";

/** How long an unfinished segment that nobody here reads is kept for neighbours, ms. */
const IdleObject = 30_000;
/** Resources of recent segments that are remembered, for samples. */
const RecentResources = 64;

export interface NodeConfig {
  swarm: string;
  store: Store;
  network: Network;
  /** Refuse bytes without a statement of the trusted key. */
  requireSigned: boolean;
  core: Partial<Config>;
  events: NodeEvents;
}

/** What happens in a node, for the page. */
export interface NodeEvents {
  link(peer: PeerID, up: boolean): void;
  segment(o: Obj): void;
  banned(peer: PeerID, reason: string): void;
  warning(message: string): void;
}

export class Node {
  readonly cfg: NodeConfig;
  readonly core: Core;
  readonly objects = new Map<Key, Obj>();
  readonly neighbours = new Map<PeerID, Neighbour>();
  /** Told to the core as held. */
  readonly known = new Set<Key>();
  readonly claims = new Map<Key, Claim[]>();
  readonly recent = new Map<Key, Resource>();
  /** Whose statements are believed. */
  key: Uint8Array | undefined;
  /** Accepts are refused: the viewer's upload is used up, or not to be used. */
  silent = false;
  readonly tally = { origin: 0, peer: 0, uploaded: 0, duplicate: 0, rejected: 0, malformed: 0, banned: 0, cache: 0, consumed: 0, notShareable: 0 };
  swarmSize = 0;
  connected = false;

  private readonly start = performance.now();
  private queue: Input[] = [];
  private feeding = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly sweeper: ReturnType<typeof setInterval>;
  private storing = Promise.resolve();
  private closed = false;

  constructor(cfg: NodeConfig) {
    this.cfg = cfg;
    this.core = new Core({ random: Math.random, ...cfg.core, id: cfg.network.id, signed: false });
    cfg.store.onEvict = (key) => this.evicted(key);
    for (const [key, size] of cfg.store.held()) {
      this.known.add(key);
      this.feed({ type: InputType.Held, key, size });
    }
    this.sweeper = setInterval(() => this.sweep(), IdleObject / 3);
    cfg.network.start(handlerOf(this));
  }

  /** Leaves the swarm. Requests that still run fail. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.cfg.network.close();
    clearTimeout(this.timer);
    clearInterval(this.sweeper);
    for (const o of this.objects.values()) {
      o.cancel?.abort();
      o.assembly.abandon(new Error("closed"));
    }
  }

  /**
   * Sets the key whose statements are believed. Where the browser cannot verify
   * signatures it changes nothing, and says so.
   */
  async trust(key: Uint8Array): Promise<void> {
    try {
      await verify(key, new Uint8Array(), new Uint8Array(64));
    } catch (error) {
      this.cfg.events.warning(`signatures cannot be verified here: ${error}`);
      return;
    }
    this.key = key;
    this.feed({ type: InputType.Trust, signed: true });
  }

  /** What the device allows at the moment; uploadMax in bit/s, 0 no cap. */
  condition(metered: boolean, uploadMax: number): void {
    this.feed({ type: InputType.Condition, metered, uploadMax });
  }

  /** The core's clock: whole nanoseconds since the node started. */
  now(): Time {
    return Math.round((performance.now() - this.start) * 1e6);
  }

  /** Maps a moment of the swarm's clock (ms since 1970) to the core's; 0 is 0. */
  at(moment: number): Time {
    return moment && this.now() + Math.round((moment - this.cfg.network.now()) * 1e6);
  }

  /** Gives the core an input and carries out what it answers. Inputs that arise meanwhile wait their turn. */
  feed(input: Input): void {
    this.queue.push(input);
    if (this.feeding || this.closed) return;
    this.feeding = true;
    try {
      for (let next = this.queue.shift(); next; next = this.queue.shift()) {
        this.core.handle(this.now(), next);
        for (const e of this.core.drain()) this.execute(e);
      }
    } finally {
      this.feeding = false;
      this.arm();
    }
  }

  /** Answers a Transmit after all effects that are being carried out. */
  enqueue(input: Input): void {
    if (this.feeding) this.queue.push(input);
    else this.feed(input);
  }

  private arm(): void {
    clearTimeout(this.timer);
    const next = this.core.next();
    if (next && !this.closed)
      this.timer = setTimeout(() => this.feed({ type: InputType.Tick }), Math.max(0, Math.ceil((next.at - this.now()) / 1e6)));
  }

  private execute(e: Effect): void {
    const { network, events } = this.cfg;
    switch (e.type) {
      case EffectType.Send:
        return send(this, e);
      case EffectType.Transmit:
        return transmit(this, e);
      case EffectType.TransmitTail:
        return transmitTail(this, e);
      case EffectType.Fetch:
        return fetch(this, e);
      case EffectType.CancelFetch:
        return this.objects.get(e.key)?.cancel?.abort();
      case EffectType.Connect:
        return network.connect(e.peer);
      case EffectType.Disconnect:
        return disconnect(this, e.peer, e.reason);
      case EffectType.Ban:
        this.tally.banned++;
        network.ban(e.peer);
        disconnect(this, e.peer, "banned: " + e.reason);
        return events.banned(e.peer, e.reason);
      case EffectType.Discover:
        return network.discover(e.count);
      case EffectType.CloseSignal:
        return network.setSignalling(false);
      case EffectType.OpenSignal:
        return network.setSignalling(true);
      case EffectType.Distrust:
        return distrust(this, e.key);
      case EffectType.Failed:
        return this.failed(e.key);
      case EffectType.Deliver:
        return network.deliver(e.from, e.payload);
    }
  }

  private evicted(key: Key): void {
    if (this.objects.has(key) || this.cfg.store.has(key)) return;
    this.known.delete(key);
    this.enqueue({ type: InputType.Evicted, key });
  }

  /** The segment under construction for a key, made when needed. */
  object(key: Key): Obj {
    let o = this.objects.get(key);
    if (!o) this.objects.set(key, (o = new Obj(key)));
    return o;
  }

  discard(o: Obj, why: Error): void {
    if (this.objects.get(o.key) !== o) return;
    o.cancel?.abort();
    this.objects.delete(o.key);
    this.claims.delete(o.key);
    if (!o.finished) o.assembly.abandon(why);
  }

  /** Tells the core what is needed of an object now. */
  want(o: Obj): void {
    const r = o.res;
    if (!r) return;
    this.feed({
      type: InputType.Want,
      key: r.key,
      available: this.at(r.available),
      whole: this.at(r.whole),
      deadline: this.at(r.deadline),
      originBy: 0,
      duration: Math.round(r.duration * 1e6),
      size: sizeGuess(r),
      urgent: r.urgent,
      asked: o.streams.size > 0,
      fetchable: !!r.url,
    });
  }

  /**
   * Finds a segment in the store, at peers or at the origin, whichever the brain
   * chooses. The reader hears when its size or first bytes are known.
   */
  get(r: Resource, reader: Reader): Stream {
    const s = new Stream(r.key, reader, (ended) => this.detach(ended));
    this.find(s, r);
    return s;
  }

  private async find(s: Stream, r: Resource): Promise<void> {
    const { store } = this.cfg;
    await null; // the caller must know the stream before the reader hears of it
    if (!this.objects.has(r.key) && store.has(r.key)) {
      s.hit = store.peek(r.key) ? "memory" : "disk";
      const segment = await store.get(r.key);
      if (segment) {
        this.tally.cache += segment.size;
        return s.serve(segment);
      }
      s.hit = "";
    }
    if (s.over) return;
    const o = this.object(r.key);
    // The disk's copy turned out to be damaged, or went meanwhile.
    if (this.known.has(r.key) && !o.finished && this.known.delete(r.key)) this.feed({ type: InputType.Evicted, key: r.key });
    o.streams.add(s);
    if (o.finished) s.hit = "memory";
    else {
      o.res = r;
      this.want(o);
    }
    s.follow(o);
  }

  private detach(s: Stream): void {
    const o = s.object;
    if (!o || !o.streams.delete(s) || this.closed) return;
    this.finish(o); // the last piece may have come this moment
    if (o.streams.size || o.finished) return;
    this.release(o);
    if (this.objects.get(o.key) === o) this.want(o); // still planned, but nobody waits
  }

  private failed(key: Key): void {
    const o = this.objects.get(key);
    const why = o?.lastError ?? new SegmentError(Fault.Unavailable, `${key}: neither the origin nor a peer has it`);
    for (const s of [...(o?.streams ?? [])]) s.fail(why);
  }

  /** Lets go of an unfinished object that nobody here needs any more. */
  release(o: Obj): void {
    if (o.finished || o.planned || o.streams.size || this.objects.get(o.key) !== o) return;
    this.feed({ type: InputType.Unwant, keys: [o.key] });
    this.discard(o, new Error("not wanted any more"));
  }

  /** Drops unfinished segments that neighbours wanted and that never came. */
  private sweep(): void {
    const since = performance.now() - IdleObject;
    for (const o of this.objects.values()) if (!o.finished && o.touched < since) this.release(o);
  }

  plan(resources: Resource[]): void {
    plan(this, resources);
  }

  /** Tells the core of pieces, and finishes what became whole. */
  gained(o: Obj, from: PeerID, first: number, count: number): void {
    if (this.objects.get(o.key) !== o) return this.late(o.key, from); // let go of, or stored, meanwhile
    this.feed({ type: InputType.Gained, key: o.key, from, first, count, size: o.assembly.size });
    this.finish(o);
  }

  /**
   * Tells the brain of a piece of what is in the store: whoever sent it was asked whether it
   * would (core/audit.ts).
   */
  late(key: Key, from: PeerID): void {
    if (from && this.core.items.get(key)?.whole) this.feed({ type: InputType.Gained, key, from, first: 0, count: 1, size: -1 });
  }

  /** Stores a segment whose last piece has come. */
  finish(o: Obj): void {
    const a = o.assembly;
    if (o.finished || !a.complete || this.objects.get(o.key) !== o) return;
    o.finished = true;
    settleClaims(this, o);
    if (!o.finished) return; // what was settled threw it away
    if (o.res?.url) {
      this.recent.delete(o.key);
      this.recent.set(o.key, o.res);
      for (const oldest of this.recent.keys()) {
        if (this.recent.size <= RecentResources) break;
        this.recent.delete(oldest);
      }
    }
    this.cfg.events.segment(o);
    if (!a.meta.shareable) {
      this.objects.delete(o.key);
      this.feed({ type: InputType.Evicted, key: o.key });
      return;
    }
    this.storing = this.storing.then(() => this.keep(o)).catch((e) => this.cfg.events.warning(`${o.key} is not stored: ${e}`));
  }

  private async keep(o: Obj): Promise<void> {
    const a = o.assembly;
    const { generation } = a;
    const final = a.statement && a.statement.size >= 0 ? a.statement : undefined;
    const segment = await seal(o.key, a.meta, a.size, a.leaves(), a.pieces(), final);
    if (this.objects.get(o.key) !== o || a.generation !== generation) return;
    await this.cfg.store.put(segment);
    if (this.objects.get(o.key) !== o || a.generation !== generation) {
      this.cfg.store.delete(o.key);
      return;
    }
    this.objects.delete(o.key);
    if (this.cfg.store.has(o.key)) this.known.add(o.key);
    else this.feed({ type: InputType.Evicted, key: o.key });
  }

  counters(): Counters {
    return this.core.counters;
  }
}

