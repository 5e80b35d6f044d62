// What two peers exchange through signalling (swarm/PROTOCOL.md §5, swarm/rtc/payload.go).
import { decode, encodeValue, malformed } from "../wire/msgpack.ts";

const MaxPayload = 16384;
/** Bytes of UTF-8, by key; the session is exactly that long. */
const limits = { kind: 9, session: 16, sdp: 8192, candidate: 512, reason: 256 };
const MaxKeys = 16;

export type Kind = "offer" | "answer" | "candidate" | "bye";

/** Absent texts are empty. */
export interface Payload {
  kind: Kind;
  /** The offerer's random name for the attempt. */
  session: string;
  sdp: string;
  /** RFC 8839 §5.1 without "a=". */
  candidate: string;
  reason: string;
}

export const payload = (kind: Kind, session: string, rest: Partial<Payload> = {}): Payload => ({
  kind,
  session,
  sdp: "",
  candidate: "",
  reason: "",
  ...rest,
});

const keys = Object.keys(limits) as (keyof typeof limits)[];
const utf8 = new TextEncoder();

export const encodePayload = (p: Payload): Uint8Array =>
  encodeValue(Object.fromEntries(keys.filter((k) => p[k]).map((k) => [k, p[k]])));

/** Throws Malformed. */
export function parsePayload(b: Uint8Array): Payload {
  const map = b.length > MaxPayload ? undefined : decode(b);
  if (!map || typeof map !== "object" || Object.keys(map).length > MaxKeys) return malformed("payload");
  const p = {} as Record<keyof typeof limits, string>;
  for (const k of keys) {
    const v: unknown = (map as Record<string, unknown>)[k] ?? "";
    p[k] = typeof v === "string" && utf8.encode(v).length <= limits[k] ? v : malformed(`payload: ${k}`);
  }
  const described = p.kind === "offer" || p.kind === "answer";
  if (p.session.length !== limits.session || (described && !p.sdp) || !(described || p.kind === "candidate" || p.kind === "bye"))
    malformed(`payload of kind ${p.kind}`);
  return p as Payload;
}
