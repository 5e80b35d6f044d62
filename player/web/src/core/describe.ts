// Effects as the Go tests print them, for tests that compare texts.
import { type Effect, EffectType, causeNames } from "./effect.ts";
import { MessageType } from "./message.ts";
import { microsecond, millisecond, second } from "./time.ts";

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
  Offer: "key size hops pieces more seeded",
  Accept: "key first count due only",
  Refuse: "key reason",
  Begin: "transfer key size hops first count slices",
  Cancel: "key",
  Subscribe: "track hops slices",
  Unsubscribe: "track",
  Peers: "ids",
  Forward: "from to payload",
  Bye: "reason",
};

/** One effect, as script_test.go describes it. */
export function describe(e: Effect): string {
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
export function parseDuration(text: string): number {
  let d = 0;
  for (const [, n, unit] of text.matchAll(/([\d.]+)([a-zµ]+)/g)) d += Math.round(Number(n) * units[unit!]!);
  return d;
}

/** Go's Duration.String. */
export function formatDuration(d: number): string {
  if (!d) return "0s";
  const small = ["ns", "µs", "ms"].findLast((u) => d >= units[u]!)!;
  if (d < second) return d / units[small]! + small;
  const minutes = Math.floor(d / (60 * second));
  const hours = Math.floor(minutes / 60);
  return (hours ? hours + "h" : "") + (minutes ? (minutes % 60) + "m" : "") + (d % (60 * second)) / second + "s";
}
