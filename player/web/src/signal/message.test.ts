/// <reference types="vite/types/importMeta.d.ts" />
// The Go codec's messages.
import { expect, test } from "vitest";
import { hex, unhex } from "../segments/bytes.ts";
import { Malformed } from "../wire/msgpack.ts";
import { Backoff, BackoffLeast, BackoffMost } from "./backoff.ts";
import { idOf } from "./client.ts";
import { ClockSync } from "./clock.ts";
import * as m from "./message.ts";

const files = import.meta.glob<string>("../../../../signal/testdata/wire.txt", { query: "?raw", import: "default", eager: true });
const lines = Object.values(files)[0]!.trim().split("\n").map((line) => line.split(" ") as [string, string]);

const types: Record<string, number> = {
  ...{ Join: 0x01, Want: 0x02, Status: 0x03, Ping: 0x04, Relay: 0x10, Welcome: 0x81, Peers: 0x82, Size: 0x83, Gone: 0x84 },
  ...{ Pong: 0x85, Refused: 0x86, Drain: 0x87 },
};

test("there is every type", () => expect(new Set(lines.map(([name]) => name)).size).toBe(12));

test.each(lines)("%s %s", (name, digits) => {
  const bytes = unhex(digits);
  const type = bytes[0] as m.SignalType;
  expect(type).toBe(types[name]);
  if (type === m.SignalType.Relay) {
    const id = hex(bytes.subarray(1, m.RelayHeader));
    expect(hex(m.encodeRelay(id, bytes.subarray(m.RelayHeader)))).toBe(digits);
    return;
  }
  const fields = m.decodeMap(bytes);
  expect({ ...m.decodeMap(m.encodeMap(type, fields)) }).toEqual(Object.fromEntries(Object.entries(fields).filter(([, v]) => v)));
  if (bytes.length > 3) for (let n = 1; n < bytes.length; n += 7) expect(() => m.decodeMap(bytes.subarray(0, n))).toThrow(Malformed);
});

test("a welcome in full", () => {
  const w = m.parseWelcome(m.decodeMap(unhex(lines.find(([name]) => name === "Welcome")![1])));
  expect(w).toMatchObject({
    id: "0102030405060708",
    swarmSize: 70000,
    settings: { audio: "off", max_peers: "12" },
    limits: { messageBytes: 65536, messagesPerSecond: 100, messageBurst: 500, bytesPerSecond: 262144 },
    confined: true,
  });
  expect(w.signingKey.length).toBe(32);
  expect(w.iceServers).toEqual([
    { urls: ["stun:a.example:3478"] },
    { urls: ["turn:b.example", "turns:b.example"], username: "u", credential: "c" },
  ]);
});

test("a member's id", () => expect(idOf(unhex("000102030405060708090a0b0c0d0e0f"))).toBe("be45cb2605bf36be"));

test("the clock of the sample with the least round trip counts, and never turns back", () => {
  let local = 1_000_000;
  const clock = new ClockSync(() => local);
  clock.add(0, 5_000_000, 5_000_000, 400_000);
  clock.add(900_000, 6_000_000, 6_000_000, 1_000_000);
  expect(clock.now()).toBe(1_000_000 + 5_050_000);
  clock.add(999_000, 6_000_000, 6_000_000, 1_000_000); // 49,500 µs less
  expect(clock.now()).toBe(6_050_000);
  local += 100_000;
  expect(clock.now()).toBe(1_100_000 + 5_000_500);
  clock.add(2, 1, 1, 1); // made up
  expect(clock.now()).toBe(6_100_500);
});

test("delays double up to a limit, with full jitter", () => {
  const backoff = new Backoff(() => 1);
  const delays = Array.from({ length: 8 }, () => backoff.next());
  expect(delays.slice(0, 3)).toEqual([BackoffLeast, 2 * BackoffLeast, 4 * BackoffLeast]);
  expect(delays.at(-1)).toBe(BackoffMost);
  backoff.reset();
  expect(backoff.next()).toBe(BackoffLeast);
});
