// What one brain says to another (swarm/message.go). Messages are plain objects with
// a type, so that they cross to a worker as they are.
import type { Duration } from "./time.ts";

/** A member of a swarm, as signalling assigned it: 16 lower-case hexadecimal digits. */
export type PeerID = string;

/** Names what is exchanged, as swarm/PROTOCOL.md §1 says; ASCII. */
export type Key = string;

/** Everything before a key's last "/". */
export const trackOf = (key: Key): string => key.slice(0, Math.max(0, key.lastIndexOf("/")));

/** The type byte of the control channel (swarm/PROTOCOL.md §6); Begin travels on the bulk channel. */
export enum MessageType {
  Begin = 0,
  Hello = 1,
  Reserve,
  Release,
  Have,
  Offer,
  Accept,
  Refuse,
  Cancel,
  Subscribe,
  Unsubscribe,
  Peers,
  Forward,
  Bye,
}

export type Message =
  | Hello
  | Reserve
  | Release
  | Have
  | Offer
  | Accept
  | Refuse
  | Begin
  | Cancel
  | Subscribe
  | Unsubscribe
  | Peers
  | Forward
  | Bye;

/** The first message on a link, from both sides. */
export interface Hello {
  type: MessageType.Hello;
  version: number;
  /** Fetches every segment from the origin by itself. */
  seed: boolean;
  /** Wants to send as little as possible. */
  metered: boolean;
  /** bit/s the peer is ready to spend, 0 unknown. */
  uplink: number;
  /** Most links it will hold. */
  maxPeers: number;
}

/** Asks the receiver to offer these keys the moment it has something of them. */
export interface Reserve {
  type: MessageType.Reserve;
  items: Reservation[];
}

export interface Reservation {
  key: Key;
  /** 1: the receiver may pass it on to its own neighbours (tier-2); 0: it may not. */
  hops: number;
  /** From now until the sender needs it whole. */
  due: Duration;
}

/** Takes reservations back: seek, quality switch, revoked prediction. */
export interface Release {
  type: MessageType.Release;
  keys: Key[];
}

/** Tells which whole segments the sender has gained and lost. */
export interface Have {
  type: MessageType.Have;
  gained: Run[];
  lost: Run[];
}

/** `count` consecutively numbered keys of a track, or a single key of any form. */
export interface Run {
  key: Key;
  count: number;
}

/** Tells a peer that reserved `key` that it can be had here. */
export interface Offer {
  type: MessageType.Offer;
  key: Key;
  /** Bytes, -1 while unknown. */
  size: number;
  /** How many peers the bytes came through: 0 fetched from the origin. */
  hops: number;
  /** Leading pieces that are here. 0, with an empty `more`: a promise, the origin was asked. */
  pieces: number;
  /** Pieces after those that are here too: bit j of byte i stands for piece pieces + 8i + j. */
  more: Uint8Array;
  /** A seed's fetch is where the bytes come from. */
  seeded: boolean;
}

/**
 * Asks for pieces of `key`, and tells all that is still expected of this source: what an
 * earlier one named and this one does not is no longer wanted. Pieces that were sent are
 * not sent again.
 */
export interface Accept {
  type: MessageType.Accept;
  key: Key;
  /** Piece index. */
  first: number;
  /** -1: everything from `first` on, as it comes; 0: no more. */
  count: number;
  due: Duration;
  /** Which of the `count` pieces: bit j of byte i stands for piece first + 8i + j. Empty: all. */
  only: Uint8Array;
}

/** Says no: to an Offer or to an Accept. */
export interface Refuse {
  type: MessageType.Refuse;
  key: Key;
  reason: Refusal;
}

export enum Refusal {
  /** The receiver has a source already; this version does not say so. */
  Locked = 1,
  /** Not held any more. */
  Gone,
  /** No upload budget left. */
  Busy,
  /** The receiver does not want the key. */
  Unwanted,
  /** Hops are not strictly decreasing. */
  Loop,
}

/**
 * Opens a transfer: pieces from `first` on follow under this number on the bulk
 * channel. On the wire it also carries leaves and the statement, which the edge
 * checks before the core hears of it.
 */
export interface Begin {
  type: MessageType.Begin;
  /** Chosen by the sender of the pieces, unique on the link. */
  transfer: number;
  key: Key;
  /** -1 while unknown. */
  size: number;
  /** Of the sender. */
  hops: number;
  first: number;
  /** -1: to the end. */
  count: number;
  /** Pushed, without an Accept, as bits; 0: what an Accept asked for. */
  slices: number;
}

/** Stops the transfer of `key`: from the receiver "send no more", from the sender "no more will come". */
export interface Cancel {
  type: MessageType.Cancel;
  key: Key;
}

/**
 * Asks the receiver to push slices of every new segment of `track` the moment it has
 * something of them. It replaces an earlier one.
 */
export interface Subscribe {
  type: MessageType.Subscribe;
  track: string;
  /** The subscriber's distance from the origin on this track. */
  hops: number;
  /** Bit s: pieces s, s + 8, s + 16, … */
  slices: number;
}

/** Ends a subscription, from either side. */
export interface Unsubscribe {
  type: MessageType.Unsubscribe;
  track: string;
}

/** Introduces neighbours of the sender. */
export interface Peers {
  type: MessageType.Peers;
  ids: PeerID[];
}

/** Carries a signalling message through a common neighbour, one step. */
export interface Forward {
  type: MessageType.Forward;
  from: PeerID;
  to: PeerID;
  payload: Uint8Array;
}

/** The last message on a link that is closed on purpose. */
export interface Bye {
  type: MessageType.Bye;
  reason: string;
}
