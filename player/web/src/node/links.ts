// What a node remembers of an open link (swarm/node/links.go, receive.go, send.go).
import type { Key, PeerID } from "../core/message.ts";
import type { Sent } from "../core/input.ts";
import type { Leaf } from "../segments/piece.ts";
import type { Packed } from "../segments/compress.ts";
import type { Assembly } from "../segments/assembly.ts";
import type { Meta, Segment } from "../segments/segment.ts";
import type { Statement } from "../segments/statement.ts";
import type { Link } from "./network.ts";
import type { Obj } from "./object.ts";

/** A transfer from a neighbour. */
export interface Arrival {
  object: Obj;
  /** Index of pending[0]. */
  first: number;
  /** Leaves whose statement has not come yet. */
  pending: Leaf[];
  size: number;
  /** The piece that `tail` is the beginning of, and what came of it. */
  tailOf: number;
  tail: Uint8Array;
  /** Of the object, when the transfer began. */
  restarts: number;
}

/** Where the pieces of a transfer are read from: an object under construction or a stored segment. */
export interface Source {
  size(): number;
  meta(): Meta;
  leaves(): Leaf[];
  statement(): Statement | undefined;
  piece(i: number): Packed | undefined;
  /** Of a segment that is still arriving. */
  assembly: Assembly | undefined;
}

export const storedSource = (s: Segment): Source => ({
  size: () => s.size,
  meta: () => s.meta,
  leaves: () => s.leaves,
  statement: () => s.statement,
  piece: (i) => s.pieces[i],
  assembly: undefined,
});

export const growingSource = (assembly: Assembly): Source => ({
  size: () => assembly.size,
  meta: () => assembly.meta,
  leaves: () => assembly.leaves(),
  statement: () => assembly.statement,
  piece: (i) => {
    const payload = assembly.piece(i);
    return payload && { payload, compressed: false };
  },
  assembly,
});

/** A transfer to a neighbour: what it has been told of the leaves. */
export interface Shipment {
  key: string;
  source: Source;
  leaves: number;
  /** The statement about the whole segment was sent. */
  final: boolean;
  /** How much of an unfinished piece was sent, in how many frames. */
  tail: { index: number; bytes: number; frames: number };
}

/**
 * Transfers of one link that are remembered in each direction. They are not told to be
 * over, because what was asked for may be added to.
 */
const MaxTransfers = 256;

/** Remembers a transfer, in place of the oldest: they are counted up, and a Map keeps the order. */
export function remember<T>(transfers: Map<number, T>, n: number, transfer: T): void {
  for (const oldest of transfers.keys()) {
    if (transfers.size < MaxTransfers) break;
    transfers.delete(oldest);
  }
  transfers.set(n, transfer);
}

/** An open link. Frames and messages are handled one after the other, in order. */
export class Neighbour {
  readonly link: Link;
  readonly arriving = new Map<number, Arrival>();
  /** Transfers of what is in the store. */
  readonly late = new Map<number, Key>();
  readonly leaving = new Map<number, Shipment>();
  /** Told to the core when the link has room again. */
  unsent: Sent[] = [];
  seed = false;
  bytesIn = 0;
  bytesOut = 0;
  down = false;
  private readonly queues = [Promise.resolve(), Promise.resolve()];

  constructor(link: Link) {
    this.link = link;
  }

  get peer(): PeerID {
    return this.link.peer;
  }

  /** Runs work of a channel after what came over it before. */
  inOrder(channel: number, work: () => void | Promise<void>, failed: (error: unknown) => void): void {
    this.queues[channel] = this.queues[channel]!.then(() => (this.down ? undefined : work())).catch(failed);
  }
}
