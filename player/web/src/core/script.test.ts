/// <reference types="vite/types/importMeta.d.ts" />
// Replays the stories in swarm/testdata/core, which the Go core records: lines "TIME
// INPUT ARGS", each followed by the effects it has, indented (swarm/script_test.go).
import { expect, test } from "vitest";
import {
  type Config,
  Core,
  type Effect,
  EffectType,
  FetchError,
  type Input,
  InputType,
  type Message,
  MessageType,
  type PeerID,
  Reason,
  causeNames,
} from "./index.ts";
import { seeded } from "./random.ts";
import { microsecond, millisecond, second } from "./time.ts";

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
        duration: 0,
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
        uplink: 0,
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
        room: 0,
      });
    case "accept":
      return received({
        type: MessageType.Accept,
        key,
        first: a.number("first", 0),
        count: a.number("count", -1),
        due: a.duration("due"),
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
        pushed: a.has("pushed"),
      });
    case "cancel":
      return received({ type: MessageType.Cancel, key });
    case "subscribe":
      return received({ type: MessageType.Subscribe, track: a.text("track"), hops: a.number("hops", 1) });
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

/** Fields of effects and messages as Go prints them, in its order. */
const fields: Record<string, string> = {
  Transmit: "to transfer key first count",
  TransmitTail: "to transfer key index",
  Fetch: "key id first count cause",
  CancelFetch: "key",
  Connect: "peer",
  Disconnect: "peer reason",
  Ban: "peer key reason",
  Discover: "count",
  CloseSignal: "",
  OpenSignal: "",
  Distrust: "key",
  Failed: "key",
  Deliver: "from payload",
  Hello: "version seed metered uplink maxPeers",
  Reserve: "items",
  Reservation: "key hops due",
  Release: "keys",
  Have: "gained lost",
  Run: "key count",
  Offer: "key size hops pieces room",
  Accept: "key first count due",
  Refuse: "key reason",
  Begin: "transfer key size hops first count pushed",
  Cancel: "key",
  Subscribe: "track hops",
  Unsubscribe: "track",
  Peers: "ids",
  Forward: "from to payload",
  Bye: "reason",
};

function describe(e: Effect): string {
  if (e.type !== EffectType.Send) return print(EffectType[e.type]!, e);
  return `→ ${e.to} ${print(MessageType[e.message.type]!, e.message)}`;
}

const print = (name: string, v: object) => name + struct(fields[name]!, v);

/** Go's %+v of a structure. */
function struct(names: string, v: object): string {
  const all = names.split(" ").filter((n) => n);
  return `{${all.map((n) => `${goName(n)}:${value(n, (v as Record<string, unknown>)[n])}`).join(" ")}}`;
}

const goName = (n: string) => (n === "id" || n === "ids" ? n.replace("id", "ID") : n[0]!.toUpperCase() + n.slice(1));

function value(name: string, v: unknown): string {
  if (name === "cause") return causeNames[v as number]!;
  if (name === "due") return formatDuration(v as number);
  if (name === "items") return `[${(v as object[]).map((x) => struct(fields["Reservation"]!, x)).join(" ")}]`;
  if (name === "gained" || name === "lost")
    return `[${(v as object[]).map((x) => struct(fields["Run"]!, x)).join(" ")}]`;
  if (Array.isArray(v) || v instanceof Uint8Array) return `[${[...(v as Iterable<unknown>)].join(" ")}]`;
  return String(v);
}

const units: Record<string, number> = {
  ns: 1,
  "µs": microsecond,
  us: microsecond,
  ms: millisecond,
  s: second,
  m: 60 * second,
  h: 3600 * second,
};

/** Go's time.ParseDuration, of a duration that is not negative. */
function parseDuration(text: string): number {
  let d = 0;
  for (const [, n, unit] of text.matchAll(/([\d.]+)([a-zµ]+)/g)) d += Math.round(Number(n) * units[unit!]!);
  return d;
}

/** Go's Duration.String. */
function formatDuration(d: number): string {
  if (!d) return "0s";
  const small = ["ns", "µs", "ms"].findLast((u) => d >= units[u]!)!;
  if (d < second) return d / units[small]! + small;
  const minutes = Math.floor(d / (60 * second));
  const hours = Math.floor(minutes / 60);
  return (hours ? hours + "h" : "") + (minutes ? (minutes % 60) + "m" : "") + (d % (60 * second)) / second + "s";
}
