// What the edge must do (swarm/effect.go).
import type { Key, Message, PeerID } from "./message.ts";

export enum EffectType {
  Send = 1,
  Transmit,
  TransmitTail,
  Fetch,
  CancelFetch,
  Connect,
  Disconnect,
  Ban,
  Discover,
  CloseSignal,
  OpenSignal,
  Distrust,
  Failed,
  Deliver,
}

export type Effect =
  | Send
  | Transmit
  | TransmitTail
  | Fetch
  | CancelFetch
  | Connect
  | Disconnect
  | Ban
  | Discover
  | CloseSignal
  | OpenSignal
  | Distrust
  | Failed
  | Deliver;

/** Hands a control message to a link. */
export interface Send {
  type: EffectType.Send;
  to: PeerID;
  message: Message;
}

/**
 * Hands pieces that are held to a link's bulk channel, in order. The first Transmit
 * of a transfer follows the Send of its Begin. The edge answers with Sent.
 */
export interface Transmit {
  type: EffectType.Transmit;
  to: PeerID;
  transfer: number;
  key: Key;
  first: number;
  count: number;
}

/**
 * Hands what is here of a piece that is not whole to a link's bulk channel, if that
 * is anything and more than was handed over before. Not answered.
 */
export interface TransmitTail {
  type: EffectType.TransmitTail;
  to: PeerID;
  transfer: number;
  key: Key;
  index: number;
}

/**
 * Asks the origin for pieces of `key`. The edge answers with Gained as bytes arrive
 * and one FetchEnded.
 */
export interface Fetch {
  type: EffectType.Fetch;
  key: Key;
  /** Unique in this brain. */
  id: number;
  first: number;
  /** -1 for the rest of the segment. */
  count: number;
  cause: Cause;
}

/** Stops the Fetch of `key`. */
export interface CancelFetch {
  type: EffectType.CancelFetch;
  key: Key;
}

/** Asks for a link to a peer, through signalling. LinkUp or LinkDown answers. */
export interface Connect {
  type: EffectType.Connect;
  peer: PeerID;
}

/** Closes a link. */
export interface Disconnect {
  type: EffectType.Disconnect;
  peer: PeerID;
  reason: string;
}

/** Closes a link and keeps the peer from coming back. */
export interface Ban {
  type: EffectType.Ban;
  peer: PeerID;
  key: Key;
  reason: string;
}

/** Asks signalling for `count` peers more. */
export interface Discover {
  type: EffectType.Discover;
  count: number;
}

/** Leaves the websocket (disconnectWebsocketOnMax). */
export interface CloseSignal {
  type: EffectType.CloseSignal;
}

/** Rejoins it. */
export interface OpenSignal {
  type: EffectType.OpenSignal;
}

/** Tells the edge to throw away all it holds of `key`: its leaves were a lie. */
export interface Distrust {
  type: EffectType.Distrust;
  key: Key;
}

/** `key` cannot be had now. The player's request ends with the origin's error. */
export interface Failed {
  type: EffectType.Failed;
  key: Key;
}

/** Hands a Forward's payload that was meant for this peer to signalling. */
export interface Deliver {
  type: EffectType.Deliver;
  from: PeerID;
  payload: Uint8Array;
}

/** Attributes origin bytes. */
export enum Cause {
  None = 0,
  /** This peer's turn to bring the segment into the swarm. */
  Elected,
  /** A seed always fetches. */
  Seed,
  /** The swarm would have been too late. */
  Deadline,
  /** First segments after joining: fastest source. */
  Startup,
  /** No neighbour at all. */
  NoPeer,
  /** Peers' bytes did not verify or contradicted each other. */
  Corrupt,
  /** Urgent tail raced. */
  Hedge,
  /** Cross-check of unsigned bytes. */
  Sample,
  /** Must not enter the swarm. */
  NotShareable,
}

/** Whether a fetch is for this peer's player, which waits for it. */
export const own = (cause: Cause): boolean => [Cause.Startup, Cause.Deadline, Cause.Hedge, Cause.NoPeer].includes(cause);

/** Names of causes as reports and metrics spell them, by Cause; index 0 is no cause. */
export const causeNames = " elected seed deadline startup no_peer corrupt hedge sample not_shareable".split(" ");
