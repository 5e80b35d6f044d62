// What brings links to other peers (swarm/node/network.go): WebRTC, or a fake in tests.
import type { PeerID } from "../core/message.ts";
import type { Duration } from "../core/time.ts";

export interface Network {
  /** This peer's name. */
  readonly id: PeerID;
  /** Begins delivering events. Called once. */
  start(h: Handler): void;
  /** Asks for a link; linkUp or linkDown answers, always. */
  connect(peer: PeerID): void;
  /** Asks signalling for more peers; introduced answers, maybe. */
  discover(count: number): void;
  /** Refuses links to and from a peer from now on. */
  ban(peer: PeerID): void;
  /** Opens or closes the websocket. */
  setSignalling(open: boolean): void;
  /** Hands over a signalling payload that came through a neighbour. */
  deliver(from: PeerID, payload: Uint8Array): void;
  /** The swarm's synchronised clock, ms since 1970. */
  now(): number;
  /** Ends all links. */
  close(): void;
}

/**
 * An open connection to one peer: a control channel and a bulk channel, separate so
 * that control never waits behind bulk. Sending never blocks: it queues, and the
 * caller watches `queued`.
 */
export interface Link {
  readonly peer: PeerID;
  sendControl(message: Uint8Array): void;
  /** Takes ownership of the frame. */
  sendBulk(frame: Uint8Array): void;
  /** Bytes on the bulk channel not yet handed to the network. */
  queued(): number;
  /** Latest passive reading, 0 unknown. */
  rtt(): Duration;
  /** linkDown follows. */
  close(reason: string): void;
}

export interface Handler {
  linkUp(l: Link): void;
  linkDown(peer: PeerID, why: string): void;
  /** The bytes may be kept. */
  control(l: Link, message: Uint8Array): void;
  bulk(l: Link, frame: Uint8Array): void;
  /** `queued` fell below the low-water mark. */
  writable(l: Link): void;
  introduced(peers: PeerID[]): void;
  /** The websocket, and the swarm's size. */
  state(size: number, connected: boolean): void;
  /** Asks for a payload to go through a common neighbour. False: no way. */
  forward(to: PeerID, payload: Uint8Array): boolean;
}
