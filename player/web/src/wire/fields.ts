// Reads the fields of a message one by one, in the order the protocol gives
// (swarm/wire/fields.go). Elements after those that are read are of a later version.
import { MaxPieces, MaxSegmentSize } from "../segments/piece.ts";
import { MaxKeyLength, validKey } from "../segments/key.ts";
import type { Statement } from "../segments/statement.ts";
import { millisecond, type Duration } from "../core/time.ts";
import { MaxDuration, MaxHops, SignatureSize } from "./limits.ts";
import { malformed } from "./msgpack.ts";

const utf8 = new TextEncoder();

export class Fields {
  private readonly values: unknown[];
  private at = 0;

  constructor(value: unknown) {
    this.values = Array.isArray(value) ? value : malformed("no array");
  }

  int(least: number, most: number): number {
    const v = this.values[this.at++];
    return typeof v === "number" && Number.isInteger(v) && v >= least && v <= most ? v : malformed(`field ${this.at}: ${v}`);
  }

  bool(): boolean {
    const v = this.values[this.at++];
    return typeof v === "boolean" ? v : malformed(`field ${this.at}: no bool`);
  }

  text(most: number): string {
    const v = this.values[this.at++];
    return typeof v === "string" && (v.length * 3 <= most || utf8.encode(v).length <= most) ? v : malformed(`field ${this.at}: text`);
  }

  bin(most: number): Uint8Array {
    const v = this.values[this.at++];
    // A copy: the message it came in is not kept.
    return v instanceof Uint8Array && v.length <= most ? v.slice() : malformed(`field ${this.at}: bytes`);
  }

  list<T>(most: number, read: (f: Fields) => T): T[] {
    const v = this.values[this.at++];
    return Array.isArray(v) && v.length <= most ? v.map((x) => read(new Fields(x))) : malformed(`field ${this.at}: list`);
  }

  /** A list whose elements are no arrays themselves. */
  plain<T>(most: number, read: (f: Fields) => T): T[] {
    const v = this.values[this.at++];
    if (!Array.isArray(v) || v.length > most) return malformed(`field ${this.at}: list`);
    const f = new Fields(v);
    return v.map(() => read(f));
  }

  key(): string {
    const key = this.text(MaxKeyLength);
    return validKey(key) ? key : malformed(`key ${key.slice(0, 64)}`);
  }

  track(): string {
    const track = this.text(MaxKeyLength);
    return validKey(track + "/0") ? track : malformed(`track ${track.slice(0, 64)}`);
  }

  peer(): string {
    const id = this.text(16);
    return /^[0-9a-f]{16}$/.test(id) ? id : malformed("peer name");
  }

  duration(): Duration {
    return this.int(0, MaxDuration) * millisecond;
  }

  hops(): number {
    return this.int(0, MaxHops);
  }

  size(): number {
    return this.int(-1, MaxSegmentSize);
  }

  first(): number {
    return this.int(0, MaxPieces);
  }

  count(): number {
    return this.int(-1, MaxPieces);
  }

  transfer(): number {
    return this.int(0, 0xffffffff);
  }

  statement(): Statement | undefined {
    const v = this.values[this.at++];
    if (v === null) return undefined;
    const f = new Fields(v);
    const st = { size: f.size(), count: f.first(), signature: f.bin(SignatureSize) };
    return st.signature.length === SignatureSize ? st : malformed("signature");
  }
}

/** Whole milliseconds, within what the protocol allows. */
export const toMilliseconds = (d: Duration): number => Math.min(Math.max(Math.trunc(d / millisecond), 0), MaxDuration);
