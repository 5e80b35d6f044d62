// Links to other peers over WebRTC, found through signalling (swarm/rtc/network.go). It
// runs in the worker; connections are made by the page.
import type { PeerID } from "../core/message.ts";
import type { Handler, Network } from "../node/network.ts";
import { SignalClient, type SignalHandler } from "../signal/client.ts";
import { SecretSize, type Welcome } from "../signal/message.ts";
import { MaxForward } from "../wire/limits.ts";
import { Control, type Command, type Report } from "./bridge.ts";
import { encodePayload, parsePayload, payload, type Payload } from "./payload.ts";
import { Session, type SessionHost } from "./session.ts";

/** Links accepted beyond maxLinks, for offers that crossed on the way. */
const SpareLinks = 2;
/** How far a viewer plays on before signalling is told, ms. */
const MovedBy = 10_000;
/** Banned peers remembered, oldest forgotten first. */
const MaxBanned = 4096;

export interface RtcConfig {
  /** Of the signalling server. */
  url: string;
  swarm: string;
  token: string;
  maxLinks: number;
  iceServers: RTCIceServer[];
  relayOnly: boolean;
  /** To the page. */
  command(c: Command, transfer?: Transferable[]): void;
  /** What the signalling server announced. */
  welcome(w: Welcome): void;
  /** Whether it can be reached, and the swarm's size. */
  state(size: number, connected: boolean): void;
  warn(message: string): void;
}

export class RtcNetwork implements Network, SessionHost, SignalHandler {
  readonly id: PeerID;
  private readonly cfg: RtcConfig;
  private readonly client: SignalClient;
  private handler: Handler | undefined;
  private readonly sessions = new Map<PeerID, Session>();
  private readonly byConnection = new Map<number, Session>();
  private readonly banned = new Set<PeerID>();
  private servers: RTCIceServer[];
  private count = 0;
  private swarmSize = 0;
  private isConnected = false;
  /** The server keeps some peers apart, which signals by way of neighbours would bypass. */
  private confined = false;
  /** Both what the brain wants and what policies allow. */
  private wantSignal = true;
  private allowSignal = false;
  private allowLinks = false;

  constructor(cfg: RtcConfig) {
    this.cfg = cfg;
    this.servers = cfg.iceServers;
    const { url, swarm, token } = cfg;
    const secret = crypto.getRandomValues(new Uint8Array(SecretSize));
    this.client = new SignalClient(
      { url, swarm, token, secret, links: () => this.links(), linked: () => this.linked() },
      this,
    );
    this.id = this.client.id;
  }

  start(h: Handler): void {
    this.handler = h;
  }

  /** What policies allow. Without links, all are closed and not one candidate is gathered. */
  allow(signalling: boolean, links: boolean): void {
    const changed = links !== this.allowLinks;
    this.allowLinks = links;
    if (changed && !links) for (const s of [...this.sessions.values()]) s.close("leaving");
    this.allowSignal = signalling;
    this.client.setOpen(this.wantSignal && signalling);
    if (changed) {
      this.client.status();
      this.tellState();
    }
  }

  /** Tells signalling where the viewer is, in degrees. */
  setPlace({ latitude, longitude }: { latitude: number; longitude: number }): void {
    const place = new DataView(new ArrayBuffer(4));
    place.setInt16(0, Math.round(latitude * 100));
    place.setInt16(2, Math.round(longitude * 100));
    this.client.place = new Uint8Array(place.buffer);
    this.client.status();
  }

  /** The token to connect with from now on. */
  setToken(token: string): void {
    this.client.token = token;
  }

  /** Tells signalling where a VOD viewer is, in milliseconds, when it is somewhere else. */
  setPosition(at: number): void {
    const { client } = this;
    if (Math.abs(at - client.position) < MovedBy) return;
    client.position = at;
    client.status();
  }

  private tellState(): void {
    this.cfg.state(this.swarmSize, this.isConnected);
    // A brain that may have no links must not look for peers.
    this.handler?.state(this.swarmSize, this.isConnected && this.allowLinks);
  }

  private links(): { links: number; maxLinks: number } {
    return { links: this.linked().length, maxLinks: this.allowLinks ? this.cfg.maxLinks : 0 };
  }

  private linked(): PeerID[] {
    return [...this.sessions.values()].filter((s) => s.isUp && !s.ended).map((s) => s.peer);
  }

  // Network

  connect(peer: PeerID): void {
    const s = this.sessions.get(peer);
    if (s) {
      if (!s.isUp) s.wanted = true;
      return;
    }
    const refusal = this.refusal(peer);
    if (refusal) setTimeout(() => this.handler?.linkDown(peer, refusal));
    else this.begin(peer, undefined, true);
  }

  /** Why there can be no new session with a peer. */
  private refusal(peer: PeerID): string {
    if (!this.allowLinks || !this.handler) return "closed";
    if (this.banned.has(peer)) return "banned";
    if (peer === this.id) return "self";
    return this.sessions.size >= this.cfg.maxLinks + SpareLinks ? "full" : "";
  }

  private begin(peer: PeerID, offer: Payload | undefined, wanted: boolean): void {
    this.sessions.set(peer, new Session(this, peer, offer, wanted));
  }

  discover(count: number): void {
    this.client.want(count);
  }

  ban(peer: PeerID): void {
    this.banned.add(peer);
    for (const oldest of this.banned) {
      if (this.banned.size <= MaxBanned) break;
      this.banned.delete(oldest);
    }
    this.sessions.get(peer)?.close("banned");
  }

  get alone(): boolean {
    return this.wantSignal && this.allowSignal && !this.isConnected;
  }

  setSignalling(open: boolean): void {
    this.wantSignal = open;
    this.client.setOpen(open && this.allowSignal);
  }

  /** refused: it came by way of a neighbour, where that must not be. */
  deliver(from: PeerID, b: Uint8Array, refused = this.confined): void {
    if (refused) return;
    let p: Payload;
    try {
      p = parsePayload(b);
    } catch {
      return; // not worth an answer
    }
    const s = this.sessions.get(from);
    const offer = s ? s.receive(p) : p.kind === "offer" ? p : undefined;
    if (!offer) return;
    const refusal = this.refusal(from);
    if (!refusal) this.begin(from, offer, false);
    else if (refusal === "full") this.signal(from, payload("bye", offer.session, { reason: refusal }));
  }

  now(): number {
    return this.client.now();
  }

  close(): void {
    this.allowLinks = false;
    for (const s of [...this.sessions.values()]) s.close("leaving");
    this.client.close();
  }

  /** What the page tells of its connections. */
  report(r: Report): void {
    this.byConnection.get(r.id)?.report(r);
  }

  // SessionHost

  command(c: Command, transfer?: Transferable[]): void {
    if (c.op === "close") this.byConnection.delete(c.id);
    this.cfg.command(c, transfer);
  }

  ice(): { servers: RTCIceServer[]; relayOnly: boolean } {
    return { servers: this.servers, relayOnly: this.cfg.relayOnly };
  }

  signal(peer: PeerID, p: Payload): void {
    const b = encodePayload(p);
    if (!this.client.send(peer, b) && b.length <= MaxForward && !this.confined) this.handler?.forward(peer, b);
  }

  register(s: Session): number {
    this.byConnection.set(++this.count, s);
    return this.count;
  }

  up(s: Session): void {
    this.client.status();
    this.handler?.linkUp(s);
  }

  // What is delivered after a link's end is of no interest to the handler: Session sees to that.
  deliverTo(s: Session, channel: number, data: Uint8Array): void {
    if (channel === Control) this.handler?.control(s, data);
    else this.handler?.bulk(s, data);
  }

  writable(s: Session): void {
    this.handler?.writable(s);
  }

  ended(s: Session, why: string): void {
    if (this.sessions.get(s.peer) === s) this.sessions.delete(s.peer);
    if (s.isUp) this.client.status();
    if (s.isUp || s.wanted) this.handler?.linkDown(s.peer, why);
  }

  // SignalHandler

  welcome(w: Welcome): void {
    this.servers = [...this.cfg.iceServers, ...w.iceServers];
    this.confined = w.confined;
    this.cfg.welcome(w);
  }

  peers(ids: PeerID[]): void {
    const fresh = ids.filter((id) => id !== this.id && !this.banned.has(id));
    if (fresh.length && this.allowLinks) this.handler?.introduced(fresh);
  }

  relay(from: PeerID, b: Uint8Array): void {
    this.deliver(from, b, false);
  }

  gone(id: PeerID): void {
    this.sessions.get(id)?.gone();
  }

  size(n: number): void {
    this.swarmSize = n;
    this.tellState();
  }

  connected(yes: boolean): void {
    this.isConnected = yes;
    this.tellState();
  }

  refused(code: number, reason: string): void {
    this.cfg.warn(`the signalling server refuses (${code}): ${reason}`);
  }
}
