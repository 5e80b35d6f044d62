// Frames of the bulk channel (swarm/PROTOCOL.md §7): pieces, what announces them, and
// the tails of those that are not whole.
import { MessageType, type Begin } from "../core/message.ts";
import { concat } from "../segments/bytes.ts";
import { LeafSize, MaxPieces, PieceSize, type Leaf } from "../segments/piece.ts";
import { MaxTail, type Statement } from "../segments/statement.ts";
import { Fields } from "./fields.ts";
import * as limit from "./limits.ts";
import { decode, encode, malformed } from "./msgpack.ts";

/** The first byte of a frame. */
export const enum FrameType {
  Piece = 0,
  Begin,
  Leaves,
  Tail,
}

export interface PieceFrame {
  frame: FrameType.Piece;
  transfer: number;
  /** In the segment. */
  index: number;
  /** The payload is the piece after raw DEFLATE. */
  compressed: boolean;
  /** The payload is the rest of the piece, after what tails brought of it. */
  continues: boolean;
  payload: Uint8Array;
}

/** Opens a transfer: the core's message, and what the edge needs to verify and serve the bytes. */
export interface BeginFrame {
  frame: FrameType.Begin;
  begin: Begin;
  contentType: string;
  etag: string;
  lastModified: string;
  /** Index of leaves[0]. */
  firstLeaf: number;
  leaves: Leaf[];
  statement: Statement | undefined;
}

/** Continues the leaf list of a transfer, and may tell the final size or a statement. */
export interface LeavesFrame {
  frame: FrameType.Leaves;
  transfer: number;
  first: number;
  /** -1 unknown. */
  size: number;
  leaves: Leaf[];
  statement: Statement | undefined;
}

export interface TailFrame {
  frame: FrameType.Tail;
  transfer: number;
  index: number;
  /** Of payload[0] in the piece. */
  offset: number;
  signature: Uint8Array | undefined;
  payload: Uint8Array;
}

export type BulkFrame = PieceFrame | BeginFrame | LeavesFrame | TailFrame;

const Compressed = 1;
const Continues = 2;
const Signed = 1;

/**
 * Decodes one frame; undefined for a type that this version does not know. Payloads
 * are views of `b`. Throws Malformed.
 */
export function parseBulk(b: Uint8Array): BulkFrame | undefined {
  if (!b.length || b.length > limit.MaxMessage) malformed(`bulk frame of ${b.length} bytes`);
  switch (b[0]) {
    case FrameType.Piece:
      return parsePiece(b);
    case FrameType.Begin:
      return parseBegin(new Fields(decode(b.subarray(1))));
    case FrameType.Leaves:
      return parseLeaves(new Fields(decode(b.subarray(1))));
    case FrameType.Tail:
      return parseTail(b);
  }
  return undefined;
}

const viewOf = (b: Uint8Array) => new DataView(b.buffer, b.byteOffset, b.length);

function parsePiece(b: Uint8Array): PieceFrame {
  const flags = b[1]!;
  const continues = (flags & Continues) !== 0;
  const compressed = (flags & Compressed) !== 0;
  if (b.length < limit.PieceHeader + (continues ? 0 : 1)) malformed("piece without payload");
  const view = viewOf(b);
  const piece: PieceFrame = {
    frame: FrameType.Piece,
    transfer: view.getUint32(2),
    index: view.getUint32(6),
    compressed,
    continues,
    payload: b.subarray(limit.PieceHeader),
  };
  const { length } = piece.payload;
  if (length > PieceSize || piece.index >= MaxPieces || (continues && (compressed || length === PieceSize)))
    malformed(`piece ${piece.index} of ${length} bytes`);
  return piece;
}

function parseTail(b: Uint8Array): TailFrame {
  const signed = (b[1]! & Signed) !== 0;
  const header = limit.TailHeader + (signed ? limit.SignatureSize : 0);
  if (b.length <= header) malformed("tail without payload");
  const view = viewOf(b);
  const tail: TailFrame = {
    frame: FrameType.Tail,
    transfer: view.getUint32(2),
    index: view.getUint32(6),
    offset: view.getUint16(10),
    signature: signed ? b.slice(limit.TailHeader, header) : undefined,
    payload: b.subarray(header),
  };
  if (tail.offset + tail.payload.length > MaxTail || tail.index >= MaxPieces) malformed(`tail of piece ${tail.index}`);
  return tail;
}

function parseBegin(f: Fields): BeginFrame {
  const begin: Begin = {
    type: MessageType.Begin,
    transfer: f.transfer(),
    key: f.key(),
    size: f.size(),
    hops: f.hops(),
    first: f.first(),
    count: f.count(),
    slices: f.int(0, 255),
  };
  const contentType = f.text(limit.MaxMetaField);
  const etag = f.text(limit.MaxMetaField);
  const lastModified = f.text(limit.MaxMetaField);
  const firstLeaf = f.first();
  return { frame: FrameType.Begin, begin, contentType, etag, lastModified, firstLeaf, ...leafList(f, firstLeaf) };
}

function parseLeaves(f: Fields): LeavesFrame {
  const transfer = f.transfer();
  const first = f.first();
  const size = f.size();
  const { leaves, statement } = leafList(f, first);
  return { frame: FrameType.Leaves, transfer, first, size, leaves, statement };
}

function leafList(f: Fields, first: number): { leaves: Leaf[]; statement: Statement | undefined } {
  const all = f.bin(limit.MaxLeaves * LeafSize);
  const count = all.length / LeafSize;
  if (!Number.isInteger(count) || first + count > MaxPieces) malformed(`${all.length} bytes of leaves`);
  const leaves = Array.from({ length: count }, (_, i) => all.subarray(i * LeafSize, (i + 1) * LeafSize));
  return { leaves, statement: f.statement() };
}

/** Encodes a frame. Begins and leaves that may be too long are split first. */
export function encodeBulk(f: BulkFrame): Uint8Array {
  switch (f.frame) {
    case FrameType.Piece: {
      const out = new Uint8Array(limit.PieceHeader + f.payload.length);
      out[1] = (f.compressed ? Compressed : 0) | (f.continues ? Continues : 0);
      viewOf(out).setUint32(2, f.transfer);
      viewOf(out).setUint32(6, f.index);
      out.set(f.payload, limit.PieceHeader);
      return out;
    }
    case FrameType.Begin: {
      const b = f.begin;
      return encode(f.frame, [
        b.transfer, b.key, b.size, b.hops, b.first, b.count, b.slices, f.contentType, f.etag, f.lastModified,
        f.firstLeaf, concat(f.leaves), statementFields(f.statement),
      ]);
    }
    case FrameType.Leaves:
      return encode(f.frame, [f.transfer, f.first, f.size, concat(f.leaves), statementFields(f.statement)]);
    case FrameType.Tail: {
      const head = limit.TailHeader;
      const out = new Uint8Array(head + (f.signature?.length ?? 0) + f.payload.length);
      out[0] = f.frame;
      out[1] = f.signature ? Signed : 0;
      viewOf(out).setUint32(2, f.transfer);
      viewOf(out).setUint32(6, f.index);
      viewOf(out).setUint16(10, f.offset);
      if (f.signature) out.set(f.signature, head);
      out.set(f.payload, out.length - f.payload.length);
      return out;
    }
  }
}

const statementFields = (st: Statement | undefined) => st && [st.size, st.count, st.signature];

/** Cuts a Begin's leaves beyond MaxLeaves off into frames to send right after it. */
export function splitBegin(f: BeginFrame): BulkFrame[] {
  const { begin, firstLeaf, leaves, statement } = f;
  if (leaves.length <= limit.MaxLeaves) return [f];
  return [
    { ...f, leaves: leaves.slice(0, limit.MaxLeaves), statement: undefined },
    ...splitLeaves({
      frame: FrameType.Leaves,
      transfer: begin.transfer,
      first: firstLeaf + limit.MaxLeaves,
      size: begin.size,
      leaves: leaves.slice(limit.MaxLeaves),
      statement,
    }),
  ];
}

/** Cuts leaves into frames of MaxLeaves. The last one bears the statement: only there all that it covers is known. */
export function splitLeaves(f: LeavesFrame): LeavesFrame[] {
  const out: LeavesFrame[] = [];
  let { first, leaves } = f;
  for (; leaves.length > limit.MaxLeaves; first += limit.MaxLeaves, leaves = leaves.slice(limit.MaxLeaves))
    out.push({ ...f, first, leaves: leaves.slice(0, limit.MaxLeaves), statement: undefined });
  out.push({ ...f, first, leaves });
  return out;
}
