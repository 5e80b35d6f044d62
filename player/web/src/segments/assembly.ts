// A segment under construction (segments/assembly.go): leaves and pieces go in, from
// peers in any order or from the origin in sequence, and readers stream what is
// there. Only verified pieces are ever visible, and of a growing segment the tail.
import { concat, equal, startsWith } from "./bytes.ts";
import { Fault, SegmentError } from "./errors.ts";
import { leafOf, MaxPieces, MaxSegmentSize, pieceCount, pieceLength, PieceSize, type Leaf } from "./piece.ts";
import { bounded, type Meta } from "./segment.ts";
import { MaxTail, type Statement, type Tail } from "./statement.ts";

export class Assembly {
  readonly key: string;
  /** Bytes in all, -1 unknown. */
  size = -1;
  meta: Meta = { contentType: "", etag: "", lastModified: "", shareable: true };
  statement: Statement | undefined;
  failure: Error | undefined;
  /** Pieces that are here. */
  held = 0;
  /** Number of resets: what was verified before one does not count after it. */
  generation = 0;
  /** Number of tails taken back. */
  retracted = 0;
  /** Told of every piece that is kept, before the watchers are: whom it came from, "" the origin, and its bytes. */
  came: (from: string, bytes: number) => void = () => {};
  /** Called after every change. */
  readonly watchers = new Set<() => void>();

  private leafList: (Leaf | undefined)[] = [];
  private pieceList: (Uint8Array | undefined)[] = [];
  private shown: Tail | undefined;

  constructor(key: string) {
    this.key = key;
  }

  setMeta(m: Meta): void {
    this.meta = bounded(m);
    this.notify();
  }

  /** Records the size in bytes, unless it contradicts what is known. */
  setSize(size: number): void {
    this.fit(size);
    this.notify();
  }

  private fit(size: number): void {
    if (size > MaxSegmentSize) this.fail(Fault.TooLarge, `${size} bytes, the limit is ${MaxSegmentSize}`);
    if (this.size === size) return;
    const count = pieceCount(size);
    const last = this.pieceList[count - 1];
    const tail = this.shown;
    if (
      size < 0 ||
      this.size >= 0 ||
      this.leafList.length > count ||
      (last && last.length !== pieceLength(size, count - 1)) ||
      (tail && tail.index * PieceSize + tail.bytes.length > size)
    )
      this.fail(Fault.Conflict, `size ${size}, known is ${this.size}`);
    this.size = size;
  }

  /** Records leaves `first`, `first`+1, …; nothing is recorded when one contradicts what is known. */
  addLeaves(first: number, leaves: Leaf[]): void {
    if (first < 0 || first + leaves.length > MaxPieces) this.fail(Fault.TooLarge, `leaves ${first}…+${leaves.length}`);
    if (this.size >= 0 && first + leaves.length > pieceCount(this.size)) this.fail(Fault.Conflict, `a leaf behind the end`);
    leaves.forEach((leaf, i) => {
      const known = this.leafList[first + i];
      if (known && !equal(known, leaf)) this.fail(Fault.Conflict, `leaf ${first + i}`);
    });
    leaves.forEach((leaf, i) => (this.leafList[first + i] ??= leaf));
    this.notify();
  }

  /** The known leaves from piece 0 to the first gap. */
  leaves(): Leaf[] {
    const known: Leaf[] = [];
    for (const leaf of this.leafList) {
      if (!leaf) break;
      known.push(leaf);
    }
    return known;
  }

  /** Keeps a verified statement: a final one replaces a growing one, a longer one a shorter. */
  setStatement(st: Statement): void {
    const old = this.statement;
    if (!old || (old.size < 0 && (st.size >= 0 || st.count > old.count))) this.statement = st;
  }

  /** Verifies a piece of a peer against its leaf and keeps it. False when it was here already. */
  async putPiece(index: number, data: Uint8Array, from = ""): Promise<boolean> {
    if (this.failure) throw this.failure;
    if (
      index < 0 ||
      index >= (this.size < 0 ? MaxPieces : pieceCount(this.size)) ||
      (this.size >= 0 && data.length !== pieceLength(this.size, index)) ||
      !data.length ||
      data.length > PieceSize
    )
      this.fail(Fault.BadPiece, `piece ${index} with ${data.length} bytes`);
    const leaf = this.leafList[index];
    if (!leaf) return this.fail(Fault.NoLeaf, `leaf of piece ${index} is not known`);
    const { generation } = this;
    if (!equal(await leafOf(data), leaf)) this.fail(Fault.BadPiece, `piece ${index} does not match its leaf`);
    if (this.generation !== generation) this.fail(Fault.Conflict, "it was reset");
    return this.keep(index, data, from);
  }

  private keep(index: number, data: Uint8Array, from: string): boolean {
    if (this.failure) throw this.failure;
    const here = this.pieceList[index];
    if (here) {
      if (!equal(here, data)) this.fail(Fault.BadPiece, `piece ${index} came with two lengths`);
      return false;
    }
    const tail = this.shown;
    if (tail?.index === index) this.checkTail(tail, data);
    if (this.size < 0 && data.length < PieceSize) this.fit(index * PieceSize + data.length);
    this.pieceList[index] = data;
    this.held++;
    if (tail?.index === index) this.shown = undefined;
    this.came(from, data.length);
    this.notify();
    return true;
  }

  /**
   * Keeps a piece of the origin, which is believed, but not against leaves that are
   * known already. `generation` is what it was when the origin's answer began.
   */
  putOrigin(generation: number, index: number, leaf: Leaf, data: Uint8Array): boolean {
    if (this.generation !== generation) this.fail(Fault.Conflict, "it was reset");
    if (this.failure) throw this.failure;
    const ends = this.size < 0 && data.length < PieceSize && this.leafList.length > index + 1;
    if (ends || (this.size >= 0 && data.length !== pieceLength(this.size, index)))
      this.fail(Fault.Conflict, `the origin has piece ${index} with ${data.length} bytes, the size is ${this.size}`);
    this.addLeaves(index, [leaf]);
    return this.keep(index, data, "");
  }

  piece(index: number): Uint8Array | undefined {
    return this.pieceList[index];
  }

  get complete(): boolean {
    return this.size >= 0 && this.held === pieceCount(this.size);
  }

  /** All pieces of a complete assembly, in order. */
  pieces(): Uint8Array[] {
    return this.pieceList as Uint8Array[];
  }

  /** Ends an assembly that will not be completed. Readers get what is here in sequence, then the error. */
  abandon(why: Error): void {
    if (this.complete || this.failure) return;
    this.failure = why;
    this.notify();
  }

  /** Throws away everything but the metadata, because the leaves were a lie. */
  reset(): void {
    this.generation++;
    this.size = -1;
    this.held = 0;
    this.leafList = [];
    this.pieceList = [];
    this.statement = this.shown = this.failure = undefined;
    this.notify();
  }

  /** The beginning of the one piece that is not whole yet, if any of it is shown. */
  get tail(): Tail | undefined {
    return this.shown;
  }

  /**
   * Shows readers the beginning of a piece before it is whole; the caller has
   * verified it. True when it shows more than was here. Tails of other pieces are
   * passed over while one is open: what readers may have been given must be held
   * against its piece.
   */
  putTail(t: Tail): boolean {
    if (this.failure) throw this.failure;
    const end = t.index * PieceSize + t.bytes.length;
    if (t.index < 0 || t.index >= MaxPieces || !t.bytes.length || t.bytes.length > MaxTail)
      this.fail(Fault.BadPiece, `tail of ${t.bytes.length} bytes in piece ${t.index}`);
    if (this.size >= 0 && end > this.size) this.fail(Fault.Conflict, `a tail reaches to ${end}, the size is ${this.size}`);
    const here = this.pieceList[t.index];
    if (here) {
      this.checkTail(t, here);
      return false;
    }
    const old = this.shown;
    if (old && old.index !== t.index) return false;
    if (old) {
      const known = Math.min(old.bytes.length, t.bytes.length);
      if (!startsWith(old.bytes, t.bytes.subarray(0, known))) this.fail(Fault.Conflict, `piece ${t.index} begins in two ways`);
      if (t.bytes.length <= old.bytes.length) {
        if (t.bytes.length === old.bytes.length) old.signature ??= t.signature;
        return false;
      }
    }
    this.shown = { index: t.index, bytes: t.bytes.slice(), signature: t.signature };
    this.notify();
    return true;
  }

  private checkTail(t: Tail, piece: Uint8Array): void {
    if (!startsWith(piece, t.bytes)) this.fail(Fault.Tail, `piece ${t.index} does not begin with the tail told before`);
  }

  /** Takes a tail back, because whoever told it was caught: who read of it fails, pieces stay. */
  retractTail(index: number): void {
    if (this.shown?.index !== index) return;
    this.shown = undefined;
    this.retracted++;
    this.notify();
  }

  /** A copy of all bytes that are here in one stretch from `offset` on, up to `end`. */
  run(offset: number, end: number): { bytes: Uint8Array; tail: boolean } | undefined {
    const parts: Uint8Array[] = [];
    let tail = false;
    for (let at = offset; at < end; ) {
      const index = Math.floor(at / PieceSize);
      let part = this.pieceList[index];
      if (!part && this.shown?.index === index) {
        part = this.shown.bytes;
        tail = true;
      }
      part = part?.subarray(at - index * PieceSize, end - index * PieceSize);
      if (!part?.length) {
        tail &&= parts.length > 0;
        break;
      }
      parts.push(part);
      at += part.length;
      if (tail) break;
    }
    return parts.length ? { bytes: concat(parts), tail } : undefined;
  }

  private notify(): void {
    for (const f of [...this.watchers]) f();
  }

  private fail(fault: Fault, message: string): never {
    throw new SegmentError(fault, `${this.key}: ${message}`);
  }
}
