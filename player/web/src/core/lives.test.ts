/// <reference types="vite/types/importMeta.d.ts" />
// Brains that are told whatever comes, by seeded chance, must answer as the Go brain does
// when it is told the same (swarm/lives_test.go). A life has a hash for every lifeChunk
// inputs; "go test ./swarm -v -run Lives -life N" prints one to compare with.
import { expect, test } from "vitest";
import { Core } from "./core.ts";
import { describe } from "./describe.ts";
import { Cause, EffectType } from "./effect.ts";
import { type FetchError, type Input, InputType } from "./input.ts";
import { type Hello, type Message, MessageType, trackOf } from "./message.ts";
import { seeded } from "./random.ts";
import { type Duration, type Time, millisecond, second } from "./time.ts";
import { Reason } from "./timer.ts";

const recorded = import.meta.glob<string>("../../../../swarm/testdata/lives/hashes.txt", {
  query: "?raw",
  import: "default",
  eager: true,
});

const lifeLength = 300;
const lifeChunk = 20;

for (const line of Object.values(recorded)[0]!.trim().split("\n")) {
  const [number, ...hashes] = line.split(" ");
  test(`life ${number}`, () => {
    const texts: string[] = [];
    const got = live(Number(number), texts);
    const bad = hashes.findIndex((hash, i) => hash !== got[i]);
    const chunk = texts.slice(bad * lifeChunk, (bad + 1) * lifeChunk).join("");
    expect(bad, `inputs ${bad * lifeChunk} to ${(bad + 1) * lifeChunk - 1} have the effects:\n${chunk}`).toBe(-1);
    expect(got.length).toBe(hashes.length);
  });
}

const payload = new TextEncoder().encode("x");

class Draws {
  private readonly draw: () => number;

  constructor(seed: number, name: string) {
    this.draw = seeded(BigInt(seed), name);
  }

  below = (n: number): number => Math.trunc(this.draw() * n);
  one = (n: number): boolean => this.below(n) === 0;
  time = (most: Duration): Duration => Math.trunc(this.draw() * most);
  peer = (): string => "abcde"[this.below(5)]!;
  key = (): string => `p/v${this.below(2)}/${8 + this.below(3)}`;

  hello = (): Hello => ({
    type: MessageType.Hello,
    version: 1,
    seed: this.one(12),
    metered: this.one(6),
    uplink: this.below(3) * 600_000,
    maxPeers: 10,
  });

  /** What could be said at a time. Every draw is made in the order in which it is written. */
  input(c: Core, now: Time): Input {
    const { below, one, time } = this;
    const peer = this.peer();
    const key = this.key();
    const kind = below(40);
    // An offer may lie about the size; what the edge has checked does not.
    const pieces = 1 + (key.charCodeAt(key.length - 1) % 7);
    const lie = below(8) * 16384 - 1;
    const size = one(3) ? -1 : pieces * 16384 - 100;
    const from = (message: Message): Input => ({ type: InputType.Received, from: peer, message });
    if (kind < 5) {
      const fetchable = !one(3);
      const asked = one(3);
      const urgent = one(12);
      const available = now + time(2 * second) - second;
      const deadline = available + time(20 * second);
      const whole = one(3) ? available + time(second) : 0;
      const originBy = one(4) ? available + time(4 * second) : 0;
      const duration = one(2) ? 2 * second : 0;
      const need = { available, whole, deadline, originBy, duration, size: -1, urgent, asked, fetchable };
      return { type: InputType.Want, key, ...need };
    }
    switch (kind) {
      case 5:
        return { type: InputType.Unwant, keys: [key, this.key()] };
      case 6:
      case 7:
        return { type: InputType.LinkUp, peer, rtt: time(300 * millisecond) };
      case 8:
        return one(3) ? { type: InputType.LinkDown, peer } : { type: InputType.Tick };
      case 9:
        return from(this.hello());
      case 10:
      case 11:
      case 12:
      case 13:
      case 14: {
        const reservation = (key: string) => ({ key, hops: below(2), due: time(6 * second) });
        return from({ type: MessageType.Reserve, items: [reservation(key), reservation(this.key())] });
      }
      case 15:
        return from({ type: MessageType.Release, keys: [key] });
      case 16: {
        const gained = [{ key, count: below(4) }];
        return from({ type: MessageType.Have, gained, lost: [{ key: this.key(), count: below(3) }] });
      }
      case 17:
      case 18:
      case 19:
      case 20:
        return from({
          type: MessageType.Offer,
          key,
          size: lie,
          hops: below(5),
          pieces: below(6),
          more: Uint8Array.of(below(256), below(4)),
          seeded: one(3),
        });
      case 21:
      case 22:
      case 23:
        return from({
          type: MessageType.Accept,
          key,
          first: below(6),
          count: below(7) - 1,
          due: time(4 * second),
          only: Uint8Array.of(below(64)).slice(0, below(2)),
        });
      case 24:
        return from({ type: MessageType.Refuse, key, reason: 1 + below(5) });
      case 25:
      case 26:
        return from({
          type: MessageType.Begin,
          transfer: 7,
          key,
          size,
          hops: below(5),
          first: below(3),
          count: -1,
          slices: below(2) * (1 + below(255)),
        });
      case 27:
        return from({ type: MessageType.Cancel, key });
      case 28:
        return one(3)
          ? from({ type: MessageType.Unsubscribe, track: trackOf(key) })
          : from({ type: MessageType.Subscribe, track: trackOf(key), hops: below(5), slices: below(256) });
      case 29:
        return one(2)
          ? from({ type: MessageType.Peers, ids: [this.peer(), "g", "h" + below(100)] })
          : from({ type: MessageType.Forward, from: this.peer(), to: ["me", "a", "b"][below(3)]!, payload });
      case 30:
      case 31:
      case 32:
      case 33: {
        const first = below(pieces);
        const count = 1 + below(pieces - first);
        return { type: InputType.Gained, key, from: one(3) ? "" : peer, first, count, size };
      }
      case 34:
      case 35:
        return {
          type: InputType.FetchEnded,
          bytes: below(100_000),
          error: below(5) as FetchError,
          retryAfter: below(2) * second,
          fetch: c.items.get(key)?.fetch ?? {
            type: EffectType.Fetch,
            key,
            id: 0,
            first: 0,
            count: 0,
            cause: Cause.None,
          },
        };
      case 36:
        return { type: one(9) ? InputType.Conflict : InputType.Flowing, key, from: peer };
      case 37:
        return { type: InputType.Sent, to: peer, transfer: 0, count: 1 + below(4) };
      case 38:
        return one(2) ? { type: InputType.Evicted, key } : { type: InputType.Held, key, size };
    }
    switch (below(10)) {
      case 0:
        return one(4) ? { type: InputType.BadPiece, key, from: peer } : { type: InputType.Tick };
      case 1:
        return { type: InputType.Private, key };
      case 2:
      case 3:
      case 4:
        return { type: InputType.SwarmState, size: below(20), connected: !one(4) };
      case 5:
      case 6:
        return { type: InputType.Introduced, peers: [peer, "g", this.peer()] };
      case 7:
        return { type: InputType.Measured, peer, rtt: time(second) };
      case 8:
        return { type: InputType.Condition, metered: one(2), uploadMax: below(2) * 2_000_000 };
    }
    return one(2) ? { type: InputType.NeedSignal } : { type: InputType.ForwardOut, to: this.peer(), payload };
  }
}

/** Lives one life; texts gets what each input had for effects. */
function live(n: number, texts: string[]): string[] {
  const d = new Draws(n, "inputs");
  const { below, one, time } = d;
  const core = new Core({
    id: "me",
    random: seeded(BigInt(n), "me"),
    minPeers: 1 + below(2),
    maxPeers: 3 + below(3),
    sampleRate: 0.5,
    seed: one(8),
    signed: one(2),
    metered: one(5),
    disconnectWebsocketOnMax: one(2),
    uploadMax: one(2) ? 300_000 + below(8_000_000) : 0,
  });
  let at = 0;
  let hash = 0x811c9dc5;
  const hashes: string[] = [];
  let input: Input = { type: InputType.Tick };
  for (let i = 0; i < lifeLength; i++) {
    if (input.type === InputType.LinkUp && !one(8))
      input = { type: InputType.Received, from: input.peer, message: d.hello() };
    else if (i < 8 && input.type !== InputType.LinkUp) input = { type: InputType.LinkUp, peer: d.peer(), rtt: 0 };
    else input = d.input(core, at);
    const next = core.next();
    if (next && one(5)) {
      at = Math.max(at, next.at);
      input = { type: InputType.Tick };
    } else at += one(20) ? time(2 * second) : time(20 * millisecond);
    core.handle(at, input);
    let text = core
      .drain()
      .map((e) => describe(e) + "\n")
      .join("");
    const after = core.next();
    if (after) text += `${Reason[after.why]!.toLowerCase()} at ${after.at}\n`;
    texts.push(text);
    for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
    if ((i + 1) % lifeChunk === 0) hashes.push((hash >>> 0).toString(16).padStart(8, "0"));
  }
  return hashes;
}
