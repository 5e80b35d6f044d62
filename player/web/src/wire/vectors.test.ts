/// <reference types="vite/types/importMeta.d.ts" />
// The Go codec's vectors: every one decodes to the fields it names and encodes to the
// same bytes.
import { describe, expect, test } from "vitest";
import { hex, unhex } from "../segments/bytes.ts";
import { encodeBulk, FrameType, parseBulk, type BulkFrame } from "./bulk.ts";
import { encodeControl, parseControl } from "./control.ts";
import { Malformed } from "./msgpack.ts";

interface Vector {
  name: string;
  channel: "control" | "bulk";
  type: string;
  message: Record<string, unknown>;
  bytes: string;
}

const files = import.meta.glob<Vector[]>("../../../../swarm/wire/testdata/vectors.json", { import: "default", eager: true });
const vectors = Object.values(files)[0]!;

const snake = (name: string) => name.replace(/[A-Z]/g, (c) => "_" + c.toLowerCase());

/** What a message is in the vectors' terms: bytes in hexadecimal, durations in milliseconds. */
function plain(value: unknown, name = ""): unknown {
  if (value instanceof Uint8Array) return hex(value);
  if (value === undefined) return null;
  if (name === "due") return (value as number) / 1e6;
  if (Array.isArray(value)) return value.map((v) => plain(v));
  if (value && typeof value === "object")
    return Object.fromEntries(
      Object.entries(value)
        .filter(([k]) => k !== "type" && k !== "frame")
        .map(([k, v]) => [snake(k), plain(v, k)]),
    );
  return value;
}

const flat = (f: BulkFrame) => (f.frame === FrameType.Begin ? { ...f, ...f.begin, begin: null } : f);

describe("wire vectors", () => {
  expect(vectors.length).toBeGreaterThan(25);
  test.each(vectors)("$name", (v) => {
    const bytes = unhex(v.bytes);
    const control = v.channel === "control" ? parseControl(bytes) : undefined;
    const bulk = v.channel === "bulk" ? parseBulk(bytes) : undefined;
    expect(plain(control ?? flat(bulk!))).toMatchObject(v.message);
    expect(hex(control ? encodeControl(control) : encodeBulk(bulk!))).toBe(v.bytes);
    if (bulk?.frame === FrameType.Piece || bulk?.frame === FrameType.Tail) return;
    // A later version's bytes behind the array are no concern of ours.
    const longer = unhex(v.bytes + "c0ffee");
    expect(control ? parseControl(longer) : parseBulk(longer)).toEqual(control ?? bulk);
    // Cut anywhere, it is malformed, never something else.
    for (let n = 1; n < bytes.length; n += Math.ceil(bytes.length / 40)) {
      const cut = bytes.subarray(0, n);
      expect(() => (control ? parseControl(cut) : parseBulk(cut))).toThrow(Malformed);
    }
  });
});
