// MessagePack, as much of it as the protocols use: nil, booleans, integers, text,
// bytes, arrays, maps; of other kinds (floats, extensions) the length only, so that they
// can be skipped.
//
// @msgpack/msgpack would be 4 KB more after brotli, an eighth of the worker, and is not as
// strict as the protocol: it takes text that is not UTF-8, arrays of any depth, and 1.0 for
// 1. Its encoder and decoder are what the tests hold these to.

/** What was sent is not what the protocol has: its sender is not to be trusted. */
export class Malformed extends Error {}

export const malformed = (what: string): never => {
  throw new Malformed(what);
};

/** Containers inside one another that are read: our own messages have three. */
const MaxDepth = 16;

const toUtf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A value that stands for one of a kind that nobody here uses. */
const other = Symbol();

class Writer {
  private bytes = new Uint8Array(256);
  private at = 0;

  /** The result is the caller's. */
  done(): Uint8Array {
    return this.bytes.slice(0, this.at);
  }

  private room(n: number): DataView {
    if (this.at + n > this.bytes.length) {
      const more = new Uint8Array(2 * (this.at + n));
      more.set(this.bytes);
      this.bytes = more;
    }
    this.at += n;
    return new DataView(this.bytes.buffer, this.at - n);
  }

  byte(b: number): void {
    this.room(1).setUint8(0, b);
  }

  /** A byte, and a number of `size` bytes. */
  private sized(head: number, size: number, n: number): void {
    this.byte(head);
    const view = this.room(size);
    if (size === 1) view.setUint8(0, n);
    else if (size === 2) view.setUint16(0, n);
    else if (size === 4) view.setUint32(0, n);
    else view.setBigInt64(0, BigInt(n));
  }

  /** The head of text, bytes, an array or a map: the short form, if there is one, then with 1, 2 or 4 bytes of length. */
  private head(short: number, most: number, heads: number[], n: number): void {
    if (n <= most) return this.byte(short | n);
    const size = n < 256 && heads[0] ? 0 : n < 65536 ? 1 : 2;
    this.sized(heads[size]!, 1 << size, n);
  }

  value(v: unknown): void {
    if (v === null || v === undefined) this.byte(0xc0);
    else if (typeof v === "boolean") this.byte(v ? 0xc3 : 0xc2);
    else if (typeof v === "number") this.integer(v);
    else if (typeof v === "string") {
      const b = toUtf8.encode(v);
      this.head(0xa0, 31, [0xd9, 0xda, 0xdb], b.length);
      this.raw(b);
    } else if (v instanceof Uint8Array) {
      this.head(0, -1, [0xc4, 0xc5, 0xc6], v.length);
      this.raw(v);
    } else if (Array.isArray(v)) {
      this.head(0x90, 15, [0, 0xdc, 0xdd], v.length);
      for (const element of v) this.value(element);
    } else {
      const fields = Object.entries(v as object);
      this.head(0x80, 15, [0, 0xde, 0xdf], fields.length);
      for (const pair of fields) for (const element of pair) this.value(element);
    }
  }

  private raw(b: Uint8Array): void {
    this.room(b.length);
    this.bytes.set(b, this.at - b.length);
  }

  /** In the shortest form, unsigned from 0 up. */
  private integer(n: number): void {
    if (n >= 0 ? n < 128 : n >= -32) return this.byte(n & 0xff);
    const bits = n >= 0 ? n : -n - 1;
    const size = bits < (n < 0 ? 128 : 256) ? 0 : bits < (n < 0 ? 32768 : 65536) ? 1 : bits < (n < 0 ? 2 ** 31 : 2 ** 32) ? 2 : 3;
    this.sized((n < 0 ? 0xd0 : 0xcc) + size, 1 << size, n);
  }
}

class Reader {
  private at = 0;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Moves over `n` bytes and returns where they begin. */
  private skip(n: number): number {
    const from = this.at;
    if ((this.at += n) > this.bytes.length) malformed("cut short");
    return from;
  }

  private unsigned(size: number): number {
    const at = this.skip(size);
    if (size === 8) return Number(this.view.getBigUint64(at));
    return size === 4 ? this.view.getUint32(at) : size === 2 ? this.view.getUint16(at) : this.bytes[at]!;
  }

  private raw(n: number): Uint8Array {
    const at = this.skip(n);
    return this.bytes.subarray(at, at + n);
  }

  private text(n: number): string {
    try {
      return fromUtf8.decode(this.raw(n));
    } catch {
      return malformed("not UTF-8");
    }
  }

  private array(n: number, depth: number): unknown[] {
    // An element takes a byte at least: a head cannot claim more than there is.
    if (depth >= MaxDepth || n > this.bytes.length - this.at) malformed("array");
    return Array.from({ length: n }, () => this.value(depth + 1));
  }

  private map(n: number, depth: number): Record<string, unknown> {
    const pairs = this.array(2 * n, depth);
    const out: Record<string, unknown> = Object.create(null);
    for (let i = 0; i < pairs.length; i += 2) out[String(typeof pairs[i] === "symbol" ? "" : pairs[i])] = pairs[i + 1];
    return out;
  }

  private skipped(n: number): symbol {
    this.skip(n);
    return other;
  }

  value(depth: number): unknown {
    const b = this.unsigned(1);
    if (b < 0x80) return b;
    if (b >= 0xe0) return b - 256;
    if (b < 0x90) return this.map(b & 15, depth);
    if (b < 0xa0) return this.array(b & 15, depth);
    if (b < 0xc0) return this.text(b & 31);
    if (b < 0xc4) return [null, undefined, false, true][b - 0xc0];
    if (b < 0xc7) return this.raw(this.unsigned(1 << (b - 0xc4)));
    if (b < 0xca) return this.skipped(1 + this.unsigned(1 << (b - 0xc7)));
    if (b < 0xcc) return this.skipped(b === 0xca ? 4 : 8);
    if (b < 0xd0) return this.unsigned(1 << (b - 0xcc));
    if (b < 0xd4) {
      const size = 1 << (b - 0xd0);
      const n = this.unsigned(size);
      return size === 8 ? Number(BigInt.asIntN(64, this.view.getBigUint64(this.at - 8))) : (n << (32 - 8 * size)) >> (32 - 8 * size);
    }
    if (b < 0xd9) return this.skipped(1 + (1 << (b - 0xd4)));
    if (b < 0xdc) return this.text(this.unsigned(1 << (b - 0xd9)));
    if (b < 0xde) return this.array(this.unsigned(2 << (b - 0xdc)), depth);
    return this.map(this.unsigned(2 << (b - 0xde)), depth);
  }
}

/** Encodes a value. */
export function encodeValue(value: unknown): Uint8Array {
  const w = new Writer();
  w.value(value);
  return w.done();
}

/** Encodes a value behind a type byte. */
export function encode(type: number, value: unknown): Uint8Array {
  const w = new Writer();
  w.byte(type);
  w.value(value);
  return w.done();
}

/** Decodes the first value; what follows is of a later version. Bytes are views of the message. Throws Malformed. */
export const decode = (bytes: Uint8Array): unknown => new Reader(bytes).value(0);
