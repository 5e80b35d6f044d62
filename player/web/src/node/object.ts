// Segments on their way here (swarm/node/object.go).
import type { Key, PeerID } from "../core/message.ts";
import { Assembly } from "../segments/assembly.ts";
import { PieceSize } from "../segments/piece.ts";
import type { OriginRequest } from "../segments/origin.ts";
import type { Stream } from "./stream.ts";
import { ArrivalClock } from "./arrivalclock.ts";

/** A segment and how to get it. Moments are ms since 1970 on the swarm's clock; 0: none. */
export interface Resource {
  key: Key;
  /** Empty: not known yet, peers only. */
  url: string;
  headers: Record<string, string> | undefined;
  credentials: RequestCredentials | undefined;
  /** Byte range of the URL's resource; last -1: to its end. */
  first: number;
  last: number;
  /** When the origin can be asked for it; 0: now. */
  available: number;
  /** When it has the last byte, of a segment that grows until then; 0: at `available`. */
  whole: number;
  /** When the player must have it whole. */
  deadline: number;
  /** Of media, ms. */
  duration: number;
  /** Bytes, from bandwidth; -1 unknown. */
  sizeHint: number;
  /** Start-up: fastest source, now. */
  urgent: boolean;
}

/** A segment on its way here, or just arrived and not in the store yet. */
export class Obj {
  readonly key: Key;
  readonly assembly: Assembly;
  res: Resource | undefined;
  readonly streams = new Set<Stream>();
  planned = false;
  finished = false;
  readonly born: number;
  /** When something of it last came or went, ms on performance.now. */
  touched: number;
  /** Ends the origin fetch under way. */
  cancel: AbortController | undefined;
  lastError: Error | undefined;
  /** What the origin answered with, if it was asked. */
  answer: { status: number; headers: Headers; url: string } | undefined;
  /** How often all was thrown away. */
  restarts = 0;
  /** Fresh bytes by whom they came from; "" is the origin. */
  readonly from = new Map<PeerID, number>();
  readonly arrivals = new ArrivalClock();

  constructor(key: Key) {
    this.key = key;
    this.assembly = new Assembly(key);
    this.assembly.came = (from, bytes) => this.came(from, bytes);
    this.born = this.touched = performance.now();
  }

  /** Notes fresh bytes. */
  private came(from: PeerID, bytes: number): void {
    this.touched = performance.now();
    this.from.set(from, (this.from.get(from) ?? 0) + bytes);
    this.arrivals.came(bytes, this.touched);
  }
}

/** Bytes that a resource probably has, -1 unknown. */
export const sizeGuess = (r: Resource): number =>
  r.last >= r.first && r.last > 0 ? r.last - r.first + 1 : r.sizeHint > 0 ? r.sizeHint : -1;

/** The origin request for pieces of a resource; count -1 is the rest. */
export function originRequest(r: Resource, first: number, count: number, size: number, once: boolean): OriginRequest {
  const from = r.first + first * PieceSize;
  let last = r.last >= r.first && r.last > 0 ? r.last : -1;
  if (count >= 0) {
    const end = from + count * PieceSize - 1;
    if (last < 0 || end < last) last = end;
    // The last piece is short: ask for what there is.
    if (size >= 0) last = Math.min(last, r.first + size - 1);
  }
  return { url: r.url, headers: r.headers, credentials: r.credentials, first: from, last, once };
}
