// Keeps one member connected to the signalling server (signal/client.go).
import { sha256 } from "../segments/sha2.ts";
import { hex } from "../segments/bytes.ts";
import { Malformed } from "../wire/msgpack.ts";
import { Backoff, StableAfter } from "./backoff.ts";
import { ClockSync, localMicros } from "./clock.ts";
import * as m from "./message.ts";
import { Pace } from "./pace.ts";

export interface SignalHandler {
  /** Starts every connection; size and connected(true) follow. */
  welcome(w: m.Welcome): void;
  /** Introduces members; this side sends the offers. */
  peers(ids: string[]): void;
  /** Brings a payload from another member. */
  relay(from: string, payload: Uint8Array): void;
  /** A member introduced, or addressed by send, is not on the server: a hint. */
  gone(id: string): void;
  size(n: number): void;
  connected(yes: boolean): void;
  /** The server refused, and says why. */
  refused(code: number, reason: string): void;
}

export interface SignalConfig {
  /** ws: or wss:; http: and https: are turned into these. */
  url: string;
  swarm: string;
  /** 16 bytes that the id is derived from. */
  secret: Uint8Array;
  token: string;
  /** Open links, and how many are wanted at most. */
  links(): { links: number; maxLinks: number };
  /** Members with an open link, who need no introduction. */
  linked(): string[];
  /** Uniform in [0, 1); default Math.random. */
  random?: () => number;
}

/** Clock samples after the Welcome, and their distance; then one every SyncInterval. Milliseconds. */
const FirstSamples = 4;
const SyncBurst = 200;
const SyncInterval = 30_000;
/** How long the Welcome may take, ms. */
const WelcomeTimeout = 10_000;
/** Messages that may wait to be sent. */
const MaxWaiting = 256;
/** Leaves signalling but keeps its links. */
const ClosePaused = 4000;

/** The first 8 bytes of SHA-256(secret), in hexadecimal. */
export const idOf = (secret: Uint8Array): string => hex(sha256(secret).subarray(0, m.IdSize));

export class SignalClient {
  readonly id: string;
  private readonly cfg: SignalConfig;
  private readonly handler: SignalHandler;
  private readonly clock = new ClockSync();
  private readonly backoff: Backoff;
  private readonly random: () => number;
  /** Where the viewer is, as signal/PROTOCOL.md writes it; empty: not told. */
  place = new Uint8Array();
  /** Proof of admission, as the next connect shows it. */
  token: string;
  /** On the presentation's time line, ms; 0: live. */
  position = 0;
  private open = false;
  private socket: WebSocket | undefined;
  /** Of the present connection, once welcomed. */
  private pace: Pace | undefined;
  private most = 0;
  private joinSent = 0;
  private began = 0;
  /** Do not come back earlier, ms. */
  private retryAfter = 0;
  private readonly timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(cfg: SignalConfig, handler: SignalHandler) {
    this.cfg = cfg;
    this.handler = handler;
    this.id = idOf(cfg.secret);
    this.token = cfg.token;
    this.random = cfg.random ?? Math.random;
    this.backoff = new Backoff(this.random);
  }

  /** Whether the server has welcomed this member on the present connection. */
  get connected(): boolean {
    return !!this.pace;
  }

  /** The server's clock, ms since 1970. */
  now(): number {
    return this.clock.now() / 1000;
  }

  /** Relays a payload to another member. False: not connected, too much waits, or it is too long. */
  send(to: string, payload: Uint8Array): boolean {
    const { pace } = this;
    if (!pace || pace.waiting >= MaxWaiting || (this.most && m.RelayHeader + payload.length > this.most)) return false;
    pace.send(m.encodeRelay(to, payload));
    return true;
  }

  /** Asks for introductions to `count` members more. */
  want(count: number): void {
    if (count > 0) this.tell(m.SignalType.Want, { count: Math.min(count, m.MaxWant), except: m.packIds(this.cfg.linked()) });
  }

  /** The peer check: whenever a link opened or closed. */
  status(): void {
    const { links, maxLinks } = this.cfg.links();
    this.tell(m.SignalType.Status, { links, max_links: maxLinks, place: this.place, position: this.position });
  }

  private tell(type: m.SignalType, fields: m.Fields): void {
    this.pace?.send(m.encodeMap(type, fields));
  }

  /** Joins, or leaves the swarm on purpose: then the server tells nobody, and links stay up. */
  setOpen(open: boolean): void {
    if (this.open === open) return;
    this.open = open;
    this.backoff.reset();
    if (open) this.connect();
    else this.drop(ClosePaused);
  }

  /** Leaves for good: the server tells those who were introduced. */
  close(): void {
    this.open = false;
    this.drop(1000);
  }

  private later(ms: number, f: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      f();
    }, ms);
    this.timers.add(timer);
  }

  private connect(): void {
    this.cancelTimers();
    let socket: WebSocket;
    try {
      socket = new WebSocket(this.cfg.url.replace(/^http/, "ws").replace(/#.*/, ""));
    } catch (error) {
      // Not an address, or the page's policy forbids it: it will not get better.
      this.handler.refused(0, `${error}`);
      return;
    }
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    this.began = performance.now();
    this.later(WelcomeTimeout, () => this.connected || this.lost(socket));
    socket.onopen = () => {
      this.joinSent = localMicros();
      const { swarm, secret } = this.cfg;
      const { links, maxLinks } = this.cfg.links();
      const except = m.packIds(this.cfg.linked());
      socket.send(m.encodeMap(m.SignalType.Join, { version: m.Version, swarm, secret, links, max_links: maxLinks, token: this.token, except, place: this.place, position: this.position }) as BufferSource);
    };
    socket.onmessage = (event) => {
      if (this.socket !== socket) return;
      try {
        this.receive(new Uint8Array(event.data));
      } catch (error) {
        if (!(error instanceof Malformed) && !(error instanceof TypeError)) throw error;
        this.lost(socket);
      }
    };
    socket.onclose = () => this.lost(socket);
  }

  private cancelTimers(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }

  /** Ends the present connection, if there is one. */
  private drop(code: number): void {
    this.cancelTimers();
    const { socket, pace } = this;
    this.socket = this.pace = undefined;
    pace?.stop();
    if (socket) {
      socket.onclose = socket.onmessage = null;
      socket.close(code);
    }
    if (pace) this.handler.connected(false);
  }

  private lost(socket: WebSocket): void {
    if (this.socket !== socket) return;
    if (this.connected && performance.now() - this.began >= StableAfter) this.backoff.reset();
    this.drop(1000);
    let delay = this.backoff.next();
    // Spreads those who were told the same.
    if (this.retryAfter) delay = this.retryAfter + this.random() * Math.max(this.retryAfter / 2, delay);
    this.retryAfter = 0;
    if (this.open) this.later(delay, () => this.connect());
  }

  private receive(message: Uint8Array): void {
    const type = message[0] as m.SignalType;
    if (type === m.SignalType.Relay) {
      if (message.length >= m.RelayHeader && this.connected)
        this.handler.relay(hex(message.subarray(1, m.RelayHeader)), message.subarray(m.RelayHeader));
      return;
    }
    if (type < m.SignalType.Welcome || type > m.SignalType.Drain) return; // of a later version
    const f = m.decodeMap(message);
    switch (type) {
      case m.SignalType.Welcome:
        return this.welcomed(m.parseWelcome(f));
      case m.SignalType.Peers:
        return this.handler.peers(m.ids(f["ids"]));
      case m.SignalType.Size:
        return this.handler.size(m.int(f["members"]));
      case m.SignalType.Gone:
        return this.handler.gone(hex(m.bin(f["id"])));
      case m.SignalType.Pong:
        return this.clock.add(m.int(f["sent"]), m.int(f["received"]), m.int(f["answered"]));
      case m.SignalType.Refused:
        this.retryAfter = m.int(f["retry_after"]);
        return this.handler.refused(m.int(f["code"]), m.text(f["reason"]));
      case m.SignalType.Drain:
        return this.later(m.int(f["after"]) + this.random() * m.int(f["jitter"]), () => this.move());
    }
  }

  private welcomed(w: m.Welcome): void {
    if (this.connected) return;
    this.most = w.limits.messageBytes;
    const { socket } = this;
    this.pace = new Pace(w.limits, (b) => socket!.send(b as BufferSource));
    this.clock.reset();
    this.clock.add(this.joinSent, w.serverTime, w.serverTime);
    this.handler.welcome(w);
    this.handler.size(w.swarmSize);
    this.handler.connected(true);
    this.sample(0);
  }

  private sample(n: number): void {
    this.tell(m.SignalType.Ping, { sent: localMicros() });
    this.later(n < FirstSamples - 1 ? SyncBurst : SyncInterval, () => this.sample(n + 1));
  }

  /** The server goes away: leaves, and joins again wherever the address leads by then. */
  private move(): void {
    this.drop(ClosePaused);
    this.backoff.reset();
    if (this.open) this.connect();
  }
}
