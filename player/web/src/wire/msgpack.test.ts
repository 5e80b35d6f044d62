// Our MessagePack against @msgpack/msgpack.
import { decode as theirDecode, encode as theirEncode } from "@msgpack/msgpack";
import { expect, test } from "vitest";
import { hex } from "../segments/bytes.ts";
import { decode, encodeValue, Malformed } from "./msgpack.ts";

const text = (v: unknown) => JSON.stringify(v, (_, x) => (x instanceof Uint8Array ? hex(x) : x));

const edges = [0, 1, 127, 128, 255, 256, 65535, 65536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, -1, -32, -33, -128, -129, -32768, -32769, -(2 ** 31), -(2 ** 31) - 1, 1 - 2 ** 53];
const values: unknown[] = [
  ...edges,
  edges,
  null,
  true,
  false,
  "",
  "a",
  "x".repeat(31),
  "x".repeat(32),
  "ü".repeat(200),
  "さようなら".repeat(30),
  new Uint8Array(),
  new Uint8Array(255).fill(1),
  new Uint8Array(256).fill(2),
  new Uint8Array(66_000).fill(3),
  [],
  Array.from({ length: 15 }, (_, i) => i),
  Array.from({ length: 300 }, (_, i) => i & 1),
  {},
  { a: 1, b: [new Uint8Array(3), { c: null }] },
  Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`k${i}`, i])),
];

test.each(values.map((v) => [text(v).slice(0, 40), v]))("%s", (_, v) => {
  const bytes = encodeValue(v);
  expect(hex(bytes)).toBe(hex(theirEncode(v)));
  // Compared as text: a loop over 66,000 bytes takes an assertion seconds.
  expect(text(decode(bytes))).toBe(text(v));
  expect(text(theirDecode(bytes))).toBe(text(v));
});

test("integers in any encoding", () => {
  for (const bytes of [[5], [0xcc, 5], [0xcd, 0, 5], [0xce, 0, 0, 0, 5], [0xcf, 0, 0, 0, 0, 0, 0, 0, 5], [0xd0, 5], [0xd1, 0, 5], [0xd2, 0, 0, 0, 5], [0xd3, 0, 0, 0, 0, 0, 0, 0, 5]])
    expect(decode(Uint8Array.from(bytes))).toBe(5);
  expect(decode(Uint8Array.of(0xd3, 255, 255, 255, 255, 255, 255, 255, 254))).toBe(-2);
});

test("a float is no integer, and extensions can be passed over", () => {
  for (const v of [1.5, new Date(0)]) {
    const [first, second] = decode(theirEncode([v, 7])) as unknown[];
    expect(typeof first).toBe("symbol");
    expect(second).toBe(7);
  }
});

test("what is cut short, claims too much, nests too deep or is not UTF-8 is malformed", () => {
  const whole = encodeValue({ a: ["text", new Uint8Array(9), 70_000, -70_000] });
  for (let n = 0; n < whole.length; n++) expect(() => decode(whole.subarray(0, n))).toThrow(Malformed);
  for (const bytes of [[0xdd, 255, 255, 255, 255], [0xdf, 255, 255, 255, 255], [0xc6, 255, 255, 255, 255], new Array(40).fill(0x91), [0xa1, 0xff]])
    expect(() => decode(Uint8Array.from(bytes))).toThrow(Malformed);
});
