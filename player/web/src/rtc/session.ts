// All that is under way with one peer, from the first signalling message until the link
// is down (swarm/rtc/session.go, attempt.go, link.go).
import { MessageType, type PeerID } from "../core/message.ts";
import { millisecond, type Duration } from "../core/time.ts";
import type { Link } from "../node/network.ts";
import { encodeControl } from "../wire/control.ts";
import { MaxMessage } from "../wire/limits.ts";
import { encode } from "../wire/msgpack.ts";
import { Bulk, Control, type Command, type Report } from "./bridge.ts";
import { movedChannel, PassedChannel, type Channel, type ChannelEvents } from "./channel.ts";
import { payload, type Payload } from "./payload.ts";

/** How long a connection may take to open, ms. */
export const AttemptTimeout = 10_000;
/** A link on which nothing was sent for this long gets a sign of life, ms (swarm/PROTOCOL.md §6.14). */
const AliveEvery = 500;
/** Silence after which a peer that gives signs of life is gone, ms. */
const SilenceMost = 1500;
/** The same once signalling, too, says that it is gone. */
const SilenceSuspect = 900;
/** And while signalling is lost: who only slept could not be met again. */
const SilenceAlone = 6000;
const AliveType = 14;
/** How long ICE may be disconnected until the peer is gone, ms. */
const GraceAfter = 2000;
/** Remote candidates that one attempt takes. */
const MaxRemoteCandidates = 64;
/** Bytes on one channel that a sender may never exceed. */
const MaxQueued = 8 << 20;
/** Messages that may come before both channels are open. */
const MaxEarly = 64;

/** What a session needs of its network. */
export interface SessionHost {
  readonly id: PeerID;
  /** Signalling is lost, not left. */
  readonly alone: boolean;
  command(c: Command, transfer?: Transferable[]): void;
  ice(): { servers: RTCIceServer[]; relayOnly: boolean };
  /** Sends a payload by signalling, or through a neighbour. */
  signal(peer: PeerID, p: Payload): void;
  /** A number for a new connection whose reports this session wants. */
  register(s: Session): number;
  up(s: Session): void;
  deliverTo(s: Session, channel: number, data: Uint8Array): void;
  writable(s: Session): void;
  ended(s: Session, why: string): void;
}

export class Session implements Link {
  readonly peer: PeerID;
  /** Both channels are open, and linkUp was told. */
  isUp = false;
  /** A connect waits for its answer. */
  wanted: boolean;
  ended = false;
  private readonly host: SessionHost;
  private name = "";
  private offered = false;
  private described = false;
  private waiting: string[] = [];
  private taken = 0;
  /** Of the present attempt; reports of others are stale. */
  private connection = 0;
  private channels: Channel[] = [];
  private open = 0;
  private early: [number, Uint8Array][] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private roundTrip: Duration = 0;
  /** Sends signs of life, and misses the peer's. */
  private pulse: ReturnType<typeof setInterval> | undefined;
  private sentAt = -AliveEvery;
  private heardAt = 0;
  private beatAt = 0;
  /** The peer gives signs of life. */
  private lively = false;
  /** Since when signalling says that it is gone; infinite: it does not, or the peer spoke since. */
  private suspectedAt = Infinity;

  constructor(host: SessionHost, peer: PeerID, offer: Payload | undefined, wanted: boolean) {
    this.host = host;
    this.peer = peer;
    this.wanted = wanted;
    this.timer = setTimeout(() => this.fail("timeout"), AttemptTimeout);
    this.begin(offer);
  }

  /** Makes an attempt: answers an offer, or makes one. */
  private begin(offer: Payload | undefined): void {
    if (this.connection) this.host.command({ op: "close", id: this.connection });
    const id = (this.connection = this.host.register(this));
    this.name = offer?.session ?? randomName();
    this.offered = !offer;
    this.described = !!offer;
    this.waiting = [];
    this.taken = this.open = 0;
    this.early = [];
    this.channels = [];
    const { servers, relayOnly } = this.host.ice();
    this.host.command({ op: "open", id, ice: servers, relayOnly });
    this.host.command(offer ? { op: "answer", id, sdp: offer.sdp } : { op: "offer", id });
  }

  /** Takes a signalling payload of the peer. Returns an offer that is for the session after this one. */
  receive(p: Payload): Payload | undefined {
    if (p.kind === "offer" && p.session !== this.name) {
      if (this.isUp) {
        this.end("replaced"); // the peer has lost the link
        return p;
      }
      // Glare: the lower name yields. An offer to one who did not offer replaces the earlier.
      if (!this.offered || this.host.id < this.peer) this.begin(p);
      return undefined;
    }
    if (p.session !== this.name) return undefined; // of an attempt that is over
    const id = this.connection;
    if (p.kind === "answer" && this.offered && !this.described) {
      this.described = true;
      this.host.command({ op: "accept", id, sdp: p.sdp });
      for (const candidate of this.waiting.splice(0)) this.host.command({ op: "candidate", id, candidate });
    } else if (p.kind === "candidate" && p.candidate && this.taken++ < MaxRemoteCandidates) {
      if (this.described) this.host.command({ op: "candidate", id, candidate: p.candidate });
      else this.waiting.push(p.candidate);
    } else if (p.kind === "bye") this.end("refused: " + p.reason.slice(0, 64));
    return undefined;
  }

  /** What the page tells of the connection. */
  report(r: Report): void {
    if (r.id !== this.connection || this.ended) return;
    switch (r.ev) {
      case "channels":
        this.channels = [Control, Bulk].map((n) =>
          r.channels ? movedChannel(r.channels[n]!, n, this.events(r.id)) : new PassedChannel(r.id, n, (c, t) => this.host.command(c, t)),
        );
        return;
      case "described":
        return this.host.signal(this.peer, payload(this.offered ? "offer" : "answer", this.name, { sdp: r.sdp }));
      case "candidate":
        return this.host.signal(this.peer, payload("candidate", this.name, { candidate: r.candidate }));
      case "failed":
        return this.fail("failed");
      case "rtt":
        this.roundTrip = r.rtt * millisecond;
        return;
      case "open":
        return this.opened(r.channel);
      case "message":
        return this.message(r.channel, new Uint8Array(r.data));
      case "closed":
        return this.closed();
      case "drained":
        (this.channels[Bulk] as PassedChannel).drained(r);
        return this.low();
      case "state":
        return this.state(r.state);
    }
  }

  /** Events of channels, which may outlive the attempt they were made for. */
  private events(id: number): ChannelEvents {
    const live = () => this.connection === id && !this.ended;
    return {
      opened: (n) => live() && this.opened(n),
      message: (n, data) => live() && this.message(n, data),
      closed: () => live() && this.closed(),
      low: () => live() && this.low(),
    };
  }

  private state(state: RTCIceConnectionState): void {
    if (state === "failed") return this.fail("timeout");
    if (!this.isUp) return;
    clearTimeout(this.timer);
    if (state === "disconnected") this.timer = setTimeout(() => this.end("lost"), GraceAfter);
  }

  private opened(channel: number): void {
    this.open |= 1 << channel;
    if (this.open !== 3 || this.isUp || this.ended) return;
    this.isUp = true;
    clearTimeout(this.timer);
    this.heardAt = performance.now();
    this.beat(); // the first one tells that more will come
    this.pulse = setInterval(() => this.beat(), AliveEvery / 2);
    this.host.up(this);
    for (const [n, data] of this.early.splice(0)) this.message(n, data);
  }

  private message(channel: number, data: Uint8Array): void {
    this.heardAt = performance.now();
    if (data.length > MaxMessage) return this.end("message too long");
    if (channel === Control && data[0] === AliveType) this.lively = true;
    else if (this.isUp) this.host.deliverTo(this, channel, data);
    else if (this.early.push([channel, data]) > MaxEarly) this.fail("failed");
  }

  private beat(): void {
    const now = performance.now();
    // Who slept has heard nothing, and cannot tell silence from what waits to be read.
    if (now - this.beatAt > 2 * AliveEvery) this.heardAt = now;
    this.beatAt = now;
    if (now - this.sentAt >= AliveEvery) this.send(Control, encode(AliveType, [AliveEvery]));
    if (this.heardAt - this.suspectedAt > AliveEvery) this.suspectedAt = Infinity; // nothing was that long under way
    const most = this.host.alone ? SilenceAlone : this.suspectedAt < Infinity ? SilenceSuspect : SilenceMost;
    if (this.lively && now - this.heardAt > most) this.end("silent");
  }

  /** Signalling does not know the peer any more: an attempt is over, a link must prove itself. */
  gone(): void {
    if (this.isUp) this.suspectedAt = Math.min(this.suspectedAt, performance.now());
    else this.end("gone from signalling");
  }

  private closed(): void {
    this.end("peer closed");
  }

  private low(): void {
    if (this.isUp) this.host.writable(this);
  }

  sendControl(message: Uint8Array): void {
    this.send(Control, message);
  }

  sendBulk(frame: Uint8Array): void {
    this.send(Bulk, frame);
  }

  private send(channel: number, data: Uint8Array): void {
    const c = this.channels[channel];
    if (this.ended || !c || c.queued() + data.length > MaxQueued) return;
    this.sentAt = performance.now();
    try {
      c.send(data);
    } catch {
      this.end("link down");
    }
  }

  queued(): number {
    return this.channels[Bulk]?.queued() ?? 0;
  }

  rtt(): Duration {
    return this.roundTrip;
  }

  /** Says good-bye and ends. */
  close(reason: string): void {
    if (this.isUp) this.send(Control, encodeControl({ type: MessageType.Bye, reason }));
    else return this.fail("not wanted");
    this.end(reason);
  }

  /** Gives the attempt, or the link, up, and tells the peer through signalling. */
  fail(reason: string): void {
    if (!this.ended && !this.isUp) this.host.signal(this.peer, payload("bye", this.name, { reason }));
    this.end(reason);
  }

  end(why: string): void {
    if (this.ended) return;
    this.ended = true;
    clearTimeout(this.timer);
    clearInterval(this.pulse);
    // What was sent last must leave before the connection is gone.
    const id = this.connection;
    setTimeout(() => this.host.command({ op: "close", id }), FarewellAfter);
    this.host.ended(this, why);
  }
}

/** How long a good-bye has to leave, ms. */
const FarewellAfter = 50;

/** 16 hexadecimal digits. */
const randomName = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(8)), (b) => b.toString(16).padStart(2, "0")).join("");
