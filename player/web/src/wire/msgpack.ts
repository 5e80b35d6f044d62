// MessagePack in and out, by @msgpack/msgpack.
import { Decoder, Encoder } from "@msgpack/msgpack";
import { MaxMessage } from "./limits.ts";

const encoder = new Encoder();
// A header may claim more elements than the message has bytes for.
const bound = { maxStrLength: MaxMessage, maxBinLength: MaxMessage, maxArrayLength: MaxMessage, maxMapLength: MaxMessage, maxExtLength: MaxMessage };
const decoder = new Decoder(bound);

/** What was sent is not what the protocol has: its sender is not to be trusted. */
export class Malformed extends Error {}

export const malformed = (what: string): never => {
  throw new Malformed(what);
};

/** Encodes a value behind a type byte. */
export function encode(type: number, value: unknown): Uint8Array {
  const body = encoder.encodeSharedRef(value);
  const out = new Uint8Array(1 + body.length);
  out[0] = type;
  out.set(body, 1);
  return out;
}

/** Encodes a value alone. */
export const encodeValue = (value: unknown): Uint8Array => encoder.encode(value);

/** Decodes the first value; what follows is of a later version. */
export function decode(bytes: Uint8Array): unknown {
  try {
    for (const value of decoder.decodeMulti(bytes)) return value;
  } catch {
    // Told below.
  }
  return malformed("not MessagePack");
}
