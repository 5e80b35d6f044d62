// A whole, verified segment (segments/segment.go).
import { decompressPiece, pack, type Packed } from "./compress.ts";
import type { Leaf } from "./piece.ts";
import type { Statement } from "./statement.ts";

/** Longest content type, ETag or date, in characters, that is kept; a longer one is dropped. */
export const MaxMetaField = 256;

/** What the origin said about a segment besides its bytes. */
export interface Meta {
  contentType: string;
  /** As sent, with quotes. */
  etag: string;
  /** HTTP date, as sent. */
  lastModified: string;
  /** False for Cache-Control: private or no-store. */
  shareable: boolean;
}

export const bounded = (m: Meta): Meta => {
  const fit = (text: string) => (text.length > MaxMetaField ? "" : text);
  return { contentType: fit(m.contentType), etag: fit(m.etag), lastModified: fit(m.lastModified), shareable: m.shareable };
};

/** Immutable: nothing of it, and no byte of its pieces, may be changed. */
export interface Segment {
  key: string;
  meta: Meta;
  /** Identity bytes. */
  size: number;
  leaves: Leaf[];
  /** The final one, none in an unsigned swarm. */
  statement: Statement | undefined;
  /** In wire form: as they are kept, and sent. */
  pieces: Packed[];
}

/** Wraps verified pieces, compressed where that pays. */
export async function seal(key: string, meta: Meta, size: number, leaves: Leaf[], pieces: Uint8Array[], statement: Statement | undefined): Promise<Segment> {
  const packed = await pack(meta.contentType, pieces);
  return { key, meta, size, leaves, statement, pieces: packed ?? pieces.map((payload) => ({ payload, compressed: false })) };
}

/** A piece's identity bytes. */
export async function identity(piece: Packed): Promise<Uint8Array> {
  return piece.compressed ? decompressPiece(piece.payload) : piece.payload;
}

/** Rough costs in bytes of the structures around a segment's bytes, and around one piece. */
const SegmentOverhead = 512;
const PieceOverhead = 128;

/** The memory it holds, in bytes: what the memory tier is charged. */
export const weightOf = (s: Segment): number =>
  s.pieces.reduce((sum, p) => sum + p.payload.length + PieceOverhead, SegmentOverhead);
