// A segment being read by the player (swarm/node/get.go, segments/assembly_reader.go).
import type { PeerID } from "../core/message.ts";
import { concat } from "../segments/bytes.ts";
import { Fault, SegmentError } from "../segments/errors.ts";
import { PieceSize } from "../segments/piece.ts";
import { identity, type Meta, type Segment } from "../segments/segment.ts";
import type { Obj } from "./object.ts";

/** What the reader is told. Bytes are the reader's own. */
export interface Reader {
  /** Size or first bytes are known. size -1: still growing. */
  head(s: Stream): void;
  data(s: Stream, bytes: Uint8Array): void;
  end(s: Stream): void;
  fail(s: Stream, error: Error): void;
}

export class Stream {
  readonly key: string;
  /** All of it was here when it was asked for, and in which tier. */
  hit: "" | "memory" | "disk" = "";
  object: Obj | undefined;
  private readonly reader: Reader;
  private readonly onEnd: (s: Stream) => void;
  private next = 0;
  private told = false;
  /** The reader hears nothing more. */
  over = false;
  /** Of the assembly, when the first bytes were handed out. */
  private generation = 0;
  private retracted = 0;
  /** The last bytes handed out are of a tail whose piece is not here yet. */
  private tailed = false;
  private stored: Segment | undefined;
  private readonly watch = () => this.poll();

  constructor(key: string, reader: Reader, onEnd: (s: Stream) => void) {
    this.key = key;
    this.reader = reader;
    this.onEnd = onEnd;
  }

  /** Bytes in all, -1 unknown. */
  get size(): number {
    return this.stored?.size ?? this.object?.assembly.size ?? -1;
  }

  get meta(): Meta | undefined {
    return this.stored?.meta ?? this.object?.assembly.meta;
  }

  /** Bytes by who brought them, "" being the origin. */
  get from(): Map<PeerID, number> {
    return this.object?.from ?? new Map();
  }

  /** Milliseconds in which bytes were arriving. */
  get activeTime(): number {
    return this.object ? this.object.arrivals.time(this.next) : 0;
  }

  /** Reads a segment that is in the store. */
  async serve(segment: Segment): Promise<void> {
    this.stored = segment;
    this.reader.head(this);
    try {
      const parts: Uint8Array[] = [];
      for (const p of segment.pieces) parts.push(await identity(p));
      if (this.over) return;
      if (segment.size) this.reader.data(this, concat(parts));
      this.finish();
    } catch (error) {
      this.fail(error as Error);
    }
  }

  /** Reads a segment as it comes. */
  follow(o: Obj): void {
    this.object = o;
    o.assembly.watchers.add(this.watch);
    this.poll();
  }

  private poll(): void {
    const a = this.object!.assembly;
    if (this.over) return;
    if (!this.next) this.generation = a.generation;
    if (this.generation !== a.generation || (this.tailed && this.retracted !== a.retracted)) {
      this.fail(new SegmentError(Fault.Conflict, `${this.key}: bytes that were read turned out to be wrong`));
      return;
    }
    if (!this.told && (a.size >= 0 || a.held || a.tail)) {
      this.told = true;
      this.reader.head(this);
    }
    const here = () => a.piece(Math.floor((this.next - 1) / PieceSize));
    if (this.tailed && here()) this.tailed = false;
    const end = a.size < 0 ? Infinity : a.size;
    const run = this.told && a.run(this.next, end);
    if (run) {
      this.next += run.bytes.length;
      this.tailed = run.tail;
      this.retracted = a.retracted;
      this.reader.data(this, run.bytes);
    }
    if (a.size >= 0 && this.next >= end && (!this.next || here())) this.finish();
    else if (a.failure) this.fail(a.failure);
  }

  private finish(): void {
    if (this.stop()) this.reader.end(this);
  }

  /** Breaks the reading off with an error. */
  fail(error: Error): void {
    if (this.stop()) this.reader.fail(this, error);
  }

  /** Ends the reading; the reader hears nothing more. False: it had ended. */
  stop(): boolean {
    if (this.over) return false;
    this.over = true;
    this.object?.assembly.watchers.delete(this.watch);
    this.onEnd(this);
    return true;
  }
}
