// What happened at the edge (swarm/input.go). Every field is there: 0, false or ""
// stand for what Go leaves out.
import type { Key, Message, PeerID } from "./message.ts";
import type { Fetch } from "./effect.ts";
import type { Duration, Time } from "./time.ts";

export enum InputType {
  Want = 1,
  Unwant,
  LinkUp,
  LinkDown,
  Received,
  Gained,
  Flowing,
  BadPiece,
  Conflict,
  Sent,
  Private,
  FetchEnded,
  Held,
  Evicted,
  SwarmState,
  Introduced,
  NeedSignal,
  Measured,
  Condition,
  Trust,
  ForwardOut,
  Tick,
}

export type Input =
  | Want
  | Unwant
  | LinkUp
  | LinkDown
  | Received
  | Gained
  | Flowing
  | BadPiece
  | Conflict
  | Sent
  | Private
  | FetchEnded
  | Held
  | Evicted
  | SwarmState
  | Introduced
  | NeedSignal
  | Measured
  | Condition
  | Trust
  | ForwardOut
  | Tick;

/** The player will need `key`; a second one updates what was said before. */
export interface Want {
  type: InputType.Want;
  key: Key;
  /** When the origin can be asked for it. */
  available: Time;
  /** When it will have the last byte, of a segment that grows until then; 0: at `available`. */
  whole: Time;
  /** When the player must have it whole; 0 never. */
  deadline: Time;
  /** When the player has waited enough for peers; 0: as the deadline says. */
  originBy: Time;
  /** Of media, 0 unknown. */
  duration: Duration;
  /** Bytes, -1 unknown (a guess from bandwidth is welcome). */
  size: number;
  /** Start-up: fetch from wherever is fastest, now. */
  urgent: boolean;
  /** The player is waiting for it at this moment. */
  asked: boolean;
  /** The edge knows a URL for it. */
  fetchable: boolean;
}

/** Revokes Wants: prediction corrected, seek, switch. What is held stays held. */
export interface Unwant {
  type: InputType.Unwant;
  keys: Key[];
}

/** A link to `peer` is open both ways. */
export interface LinkUp {
  type: InputType.LinkUp;
  peer: PeerID;
  /** Measured while connecting, 0 unknown. */
  rtt: Duration;
}

/** The link is gone. */
export interface LinkDown {
  type: InputType.LinkDown;
  peer: PeerID;
}

/** A control message, decoded, or a Begin whose leaves the edge has checked. */
export interface Received {
  type: InputType.Received;
  from: PeerID;
  message: Message;
}

/** Pieces of `key` were verified and are held. `from` is empty for the origin. */
export interface Gained {
  type: InputType.Gained;
  key: Key;
  from: PeerID;
  first: number;
  count: number;
  /** -1 while unknown. */
  size: number;
}

/** Bytes of an unfinished piece came: the segment grows. `from` is empty for the origin. */
export interface Flowing {
  type: InputType.Flowing;
  key: Key;
  from: PeerID;
}

/** `from` sent a piece or leaves that do not verify. The edge has thrown it away. */
export interface BadPiece {
  type: InputType.BadPiece;
  key: Key;
  from: PeerID;
}

/**
 * `from`'s leaves differ from those already held, and neither is signed. An empty
 * `from` is the origin: what peers sent was a lie.
 */
export interface Conflict {
  type: InputType.Conflict;
  key: Key;
  from: PeerID;
}

/** `count` pieces of a Transmit were handed to the network. */
export interface Sent {
  type: InputType.Sent;
  to: PeerID;
  transfer: number;
  count: number;
}

/** The origin does not want `key` shared. Comes before the first Gained of its bytes. */
export interface Private {
  type: InputType.Private;
  key: Key;
}

/** A Fetch is over. `error` is NoError when all bytes arrived. */
export interface FetchEnded {
  type: InputType.FetchEnded;
  fetch: Fetch;
  /** That left the origin. */
  bytes: number;
  error: FetchError;
  /** Asked for by the origin, 0 none. */
  retryAfter: Duration;
}

export enum FetchError {
  NoError = 0,
  /** May work later: network, 5xx, 429, 404 of a segment not there yet. */
  Temporary,
  /** Will not: 403, 410, too large. */
  Final,
  /** Came, but must not be shared (Cache-Control: private, no-store). */
  Private,
  /** By CancelFetch, or the edge could not even try. */
  Cancelled,
}

/**
 * `key` is in the store whole, without a transfer: found at start. `size` is -1
 * while the edge has not looked; a second Held, before the first Accept or Reserve
 * of the key is handed over, then gives it.
 */
export interface Held {
  type: InputType.Held;
  key: Key;
  size: number;
}

/** The store dropped `key`. */
export interface Evicted {
  type: InputType.Evicted;
  key: Key;
}

/** What signalling tells. */
export interface SwarmState {
  type: InputType.SwarmState;
  /** Members, this one included; 0 unknown. */
  size: number;
  /** The websocket is open. */
  connected: boolean;
}

/** Peers that signalling or a neighbour proposes to connect to. */
export interface Introduced {
  type: InputType.Introduced;
  peers: PeerID[];
}

/**
 * The edge wants to be connected to signalling for a moment although nobody is missing:
 * its clock jumped, or the manifest's timing is in doubt, and signalling has the swarm's
 * clock.
 */
export interface NeedSignal {
  type: InputType.NeedSignal;
}

/** A passive round-trip reading of a link. */
export interface Measured {
  type: InputType.Measured;
  peer: PeerID;
  rtt: Duration;
}

/** What the device allows, from battery, network and policy. */
export interface Condition {
  type: InputType.Condition;
  metered: boolean;
  /** bit/s, 0 no cap of its own. */
  uploadMax: number;
}

/** Whether a signing key is known, so that statements are checked and sampling is not needed. */
export interface Trust {
  type: InputType.Trust;
  signed: boolean;
}

/** Asks to carry a signalling payload to a peer through a common neighbour. */
export interface ForwardOut {
  type: InputType.ForwardOut;
  to: PeerID;
  payload: Uint8Array;
}

/** Nothing but the time: the moment that `next` named has come. */
export interface Tick {
  type: InputType.Tick;
}
