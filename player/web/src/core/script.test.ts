/// <reference types="vite/types/importMeta.d.ts" />
// Replays the stories in swarm/testdata/core, which the Go core records: lines "TIME
// INPUT ARGS", each followed by the effects it has, indented (swarm/script_test.go).
import { expect, test } from "vitest";
import {
  type Config,
  Core,
  EffectType,
  FetchError,
  type Input,
  InputType,
  type Message,
  MessageType,
  type PeerID,
  Reason,
} from "./index.ts";
import { describe, formatDuration, parseDuration } from "./describe.ts";
import { bytes } from "./replay.ts";
import { seeded } from "./random.ts";

const files = import.meta.glob<string>("../../../../swarm/testdata/core/*.txt", {
  query: "?raw",
  import: "default",
  eager: true,
});

test("there are scripts", () => expect(Object.keys(files).length).toBeGreaterThan(15));

for (const [path, script] of Object.entries(files))
  test(path.split("/").at(-1)!, () => expect(replay(script)).toBe(script));

/** Runs a script and returns it with the effects as they are here. */
function replay(script: string): string {
  const out: string[] = [];
  let core: Core | undefined;
  for (const line of script.trimEnd().split("\n")) {
    if (line.startsWith("  ")) continue; // recorded effect
    out.push(line);
    if (!line || line.startsWith("#")) continue;
    const [at, name, ...rest] = line.split(/\s+/) as [string, string, ...string[]];
    if (at === "config") {
      core = new Core(scriptConfig(new Arguments([name, ...rest])));
      continue;
    }
    if (!core) throw Error("config must come first");
    if (name === "next") {
      const next = core.next();
      out.push(next ? `  ${Reason[next.why]!.toLowerCase()} at ${formatDuration(next.at)}` : "  nothing");
      continue;
    }
    const input = scriptInput(name, new Arguments(rest));
    if (input.type === InputType.FetchEnded) input.fetch = core.items.get(input.fetch.key)?.fetch ?? input.fetch;
    core.handle(parseDuration(at), input);
    for (const e of core.drain()) out.push("  " + describe(e));
  }
  return out.join("\n") + "\n";
}

/** Positional words and name=value pairs. */
class Arguments {
  readonly words: string[];
  private readonly named: Map<string, string>;

  constructor(fields: string[]) {
    this.words = fields.filter((f) => !f.includes("="));
    this.named = new Map(fields.filter((f) => f.includes("=")).map((f) => f.split("=", 2) as [string, string]));
  }

  has = (word: string) => this.words.includes(word);
  word = (i: number) => this.words[i] ?? "";
  text = (name: string) => this.named.get(name) ?? "";
  number = (name: string, otherwise: number) => Number(this.named.get(name) ?? otherwise);
  hex = (name: string) => bytes(this.text(name));
  duration = (name: string) => parseDuration(this.named.get(name) ?? "0s");
  keys = () => this.words.filter((w) => w.includes("/"));
}

function scriptConfig(a: Arguments): Config {
  const id = a.text("id");
  return {
    id,
    random: seeded(1n, id),
    seed: a.has("seed"),
    signed: a.has("signed"),
    metered: a.has("metered"),
    minPeers: a.number("min", 0),
    maxPeers: a.number("max", 0),
    window: a.number("window", 0),
    uploadMax: a.number("upload", 0),
    disconnectWebsocketOnMax: a.has("closews"),
    sampleRate: a.number("sample", 0),
  } as Config;
}

function scriptInput(name: string, a: Arguments): Input {
  const from: PeerID = a.text("from");
  const key = a.keys()[0] ?? "";
  const payload = new TextEncoder().encode("x");
  const run = () => [{ key, count: a.number("count", 1) }];
  const received = (message: Message): Input => ({ type: InputType.Received, from, message });
  switch (name) {
    case "want":
      return {
        type: InputType.Want,
        key,
        available: a.duration("available"),
        whole: a.duration("whole"),
        deadline: a.duration("deadline"),
        originBy: a.duration("originby"),
        duration: a.duration("duration"),
        size: a.number("size", -1),
        urgent: a.has("urgent"),
        asked: a.has("asked"),
        fetchable: !a.has("nourl"),
      };
    case "unwant":
      return { type: InputType.Unwant, keys: a.keys() };
    case "linkup":
      return { type: InputType.LinkUp, peer: a.word(0), rtt: a.duration("rtt") };
    case "linkdown":
      return { type: InputType.LinkDown, peer: a.word(0) };
    case "gained":
      return {
        type: InputType.Gained,
        key,
        from,
        first: a.number("first", 0),
        count: a.number("count", 1),
        size: a.number("size", -1),
      };
    case "flowing":
      return { type: InputType.Flowing, key, from };
    case "bad":
      return { type: InputType.BadPiece, key, from };
    case "conflict":
      return { type: InputType.Conflict, key, from };
    case "sent":
      return { type: InputType.Sent, to: a.word(0), transfer: 0, count: a.number("count", 1) };
    case "private":
      return { type: InputType.Private, key };
    case "fetched":
      return {
        type: InputType.FetchEnded,
        fetch: { type: EffectType.Fetch, key, id: 0, first: 0, count: 0, cause: 0 },
        bytes: a.number("bytes", 0),
        error: Math.max(0, ["", "temporary", "final", "private", "cancelled"].findIndex(a.has)) as FetchError,
        retryAfter: a.duration("retry"),
      };
    case "held":
      return { type: InputType.Held, key, size: a.number("size", -1) };
    case "evicted":
      return { type: InputType.Evicted, key };
    case "swarm":
      return { type: InputType.SwarmState, size: a.number("size", 0), connected: !a.has("offline") };
    case "introduced":
      return { type: InputType.Introduced, peers: a.words };
    case "condition":
      return { type: InputType.Condition, metered: a.has("metered"), uploadMax: a.number("upload", 0) };
    case "trust":
      return { type: InputType.Trust, signed: a.has("signed") };
    case "measured":
      return { type: InputType.Measured, peer: a.word(0), rtt: a.duration("rtt") };
    case "tick":
      return { type: InputType.Tick };
    case "needsignal":
      return { type: InputType.NeedSignal };
    case "forwardout":
      return { type: InputType.ForwardOut, to: a.word(0), payload };
    case "hello":
      return received({
        type: MessageType.Hello,
        version: a.number("version", 1),
        seed: a.has("seed"),
        metered: a.has("metered"),
        uplink: a.number("uplink", 0),
        maxPeers: 10,
      });
    case "reserve":
      return received({
        type: MessageType.Reserve,
        items: a.keys().map((key) => ({ key, hops: a.number("hops", 0), due: a.duration("due") })),
      });
    case "release":
      return received({ type: MessageType.Release, keys: a.keys() });
    case "have":
      return received({ type: MessageType.Have, gained: run(), lost: [] });
    case "lost":
      return received({ type: MessageType.Have, gained: [], lost: run() });
    case "offer":
      return received({
        type: MessageType.Offer,
        key,
        size: a.number("size", -1),
        hops: a.number("hops", 0),
        pieces: a.number("pieces", 0),
        more: a.hex("more"),
        seeded: a.has("seeded"),
      });
    case "accept":
      return received({
        type: MessageType.Accept,
        key,
        first: a.number("first", 0),
        count: a.number("count", -1),
        due: a.duration("due"),
        only: a.hex("only"),
      });
    case "refuse":
      return received({ type: MessageType.Refuse, key, reason: a.number("reason", 1) });
    case "begin":
      return received({
        type: MessageType.Begin,
        transfer: 1,
        key,
        size: a.number("size", -1),
        hops: a.number("hops", 0),
        first: 0,
        count: -1,
        slices: a.number("slices", 0),
      });
    case "cancel":
      return received({ type: MessageType.Cancel, key });
    case "subscribe":
      return received({ type: MessageType.Subscribe, track: a.text("track"), hops: a.number("hops", 1), slices: a.number("slices", 255) });
    case "unsubscribe":
      return received({ type: MessageType.Unsubscribe, track: a.text("track") });
    case "peers":
      return received({ type: MessageType.Peers, ids: a.words });
    case "forward":
      return received({ type: MessageType.Forward, from: a.word(0), to: a.word(1), payload });
    case "bye":
      return received({ type: MessageType.Bye, reason: "" });
  }
  throw Error(`unknown input "${name}"`);
}
