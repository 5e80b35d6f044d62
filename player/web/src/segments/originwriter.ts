// Takes a segment's bytes from the origin in sequence, cuts them into pieces and puts
// these into an assembly (segments/assembly_origin.go).
import type { Assembly } from "./assembly.ts";
import { Fault, SegmentError } from "./errors.ts";
import { leafOf, MaxPieces, PieceSize } from "./piece.ts";

export class OriginWriter {
  private readonly assembly: Assembly;
  private readonly generation: number;
  private next: number;
  private buffer = new Uint8Array(PieceSize);
  private filled = 0;
  private readonly onPiece: (index: number) => void;
  private readonly onTail: () => void;

  /** The first byte written is the first of piece `first`. */
  constructor(assembly: Assembly, first: number, onPiece: (index: number) => void, onTail: () => void) {
    this.assembly = assembly;
    this.generation = assembly.generation;
    this.next = first;
    this.onPiece = onPiece;
    this.onTail = onTail;
  }

  /**
   * Never keeps `bytes`. While the size is unknown, which is how an origin sends what
   * it is still making, the unfinished piece is shown at once as the tail.
   */
  async write(bytes: Uint8Array): Promise<void> {
    while (bytes.length) {
      const take = bytes.subarray(0, PieceSize - this.filled);
      this.buffer.set(take, this.filled);
      this.filled += take.length;
      bytes = bytes.subarray(take.length);
      if (this.filled === PieceSize) await this.put();
    }
    const { assembly } = this;
    if (!this.filled || assembly.size >= 0) return;
    this.check();
    if (assembly.putTail({ index: this.next, bytes: this.buffer.subarray(0, this.filled), signature: undefined })) this.onTail();
  }

  /**
   * Says that what was written reaches the segment's end, or a piece boundary within a
   * segment of known size. A writer whose source broke off is simply dropped.
   */
  async close(): Promise<void> {
    const { assembly } = this;
    const size = this.next * PieceSize + this.filled;
    if (assembly.size >= 0 && size !== assembly.size && (this.filled || size > assembly.size))
      throw new SegmentError(Fault.Conflict, `${assembly.key}: the origin's bytes end at ${size}, the size is ${assembly.size}`);
    if (this.filled) return this.put();
    if (assembly.size >= 0) return;
    this.check();
    assembly.setSize(size);
  }

  private check(): void {
    const { assembly } = this;
    if (this.next >= MaxPieces) throw new SegmentError(Fault.TooLarge, `${assembly.key}: more than ${MaxPieces} pieces`);
    if (assembly.generation !== this.generation) throw new SegmentError(Fault.Conflict, `${assembly.key}: it was reset`);
    if (assembly.failure) throw assembly.failure;
  }

  private async put(): Promise<void> {
    this.check();
    const piece = this.buffer.subarray(0, this.filled);
    const leaf = await leafOf(piece);
    const index = this.next;
    const kept = piece.length < PieceSize ? piece.slice() : piece;
    const fresh = this.assembly.putOrigin(this.generation, index, leaf, kept);
    this.next++;
    this.filled = 0;
    this.buffer = new Uint8Array(PieceSize);
    if (fresh) this.onPiece(index);
  }
}
