// Raw DEFLATE (RFC 1951) of pieces, by the browser's own streams (segments/compress.go).
import { concat } from "./bytes.ts";
import { Fault, SegmentError } from "./errors.ts";
import { PieceSize } from "./piece.ts";

/** Share 1/8 of the first piece's bytes that deflate must save before a segment is kept compressed. */
const MinSaving = 8;

/** Runs bytes through a transform; undefined as soon as more than `most` bytes come out. */
async function through(stream: CompressionStream | DecompressionStream, bytes: Uint8Array, most: number): Promise<Uint8Array | undefined> {
  const writer = stream.writable.getWriter();
  // Failures are told by the reader as well.
  writer.write(bytes as BufferSource).catch(() => {});
  writer.close().catch(() => {});
  const reader = stream.readable.getReader();
  const parts: Uint8Array[] = [];
  for (let size = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) return concat(parts);
    parts.push(value);
    if ((size += value.length) > most) {
      reader.cancel().catch(() => {});
      return undefined;
    }
  }
}

/** Deflates a piece; undefined when that saves nothing. */
export const compressPiece = (piece: Uint8Array): Promise<Uint8Array | undefined> =>
  through(new CompressionStream("deflate-raw"), piece, piece.length - 1);

/**
 * Inflates a piece. Results above PieceSize, an empty one, and anything after the
 * deflate stream are refused: of a piece there is one form only.
 */
export async function decompressPiece(payload: Uint8Array): Promise<Uint8Array> {
  let piece: Uint8Array | undefined;
  try {
    piece = await through(new DecompressionStream("deflate-raw"), payload, PieceSize);
  } catch {
    // Cut short, or something after its end.
  }
  if (!piece?.length) throw new SegmentError(Fault.Dishonest, "compressed piece that does not inflate");
  return piece;
}

/** Whether a trial compression is worth its time. */
const textLike =
  /^\s*(text\/|[^;]*\+(xml|json)\s*(;|$)|(application\/(json|xml|(x-)?javascript|vnd\.apple\.mpegurl|x-mpegurl|wasm)|audio\/(x-)?mpegurl|font\/[to]tf)\s*(;|$))/i;

export const isTextLike = (contentType: string): boolean => textLike.test(contentType);

/** A piece as it is kept and sent. */
export interface Packed {
  payload: Uint8Array;
  compressed: boolean;
}

/** Compresses pieces one by one, or returns undefined when the trial on the first does not pay. */
export async function pack(contentType: string, pieces: Uint8Array[]): Promise<Packed[] | undefined> {
  const first = pieces[0];
  if (!first || !isTextLike(contentType) || !globalThis.CompressionStream) return undefined;
  const trial = await compressPiece(first);
  if (!trial || trial.length > first.length - first.length / MinSaving) return undefined;
  const packed: Packed[] = [{ payload: trial, compressed: true }];
  for (const piece of pieces.slice(1)) {
    const payload = await compressPiece(piece);
    packed.push(payload ? { payload, compressed: true } : { payload: piece, compressed: false });
  }
  return packed;
}
