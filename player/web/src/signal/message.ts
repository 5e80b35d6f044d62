// Messages between a member and the signalling server (signal/PROTOCOL.md): a type byte,
// then one MessagePack map, or the relay header.
import { hex, unhex } from "../segments/bytes.ts";
import { decode, encode, malformed } from "../wire/msgpack.ts";

export const Version = 1;
/** Bytes of a member's secret, of its id, and of the header before a relayed payload. */
export const SecretSize = 16;
export const IdSize = 8;
export const RelayHeader = 1 + IdSize;
/** Most members one Want can ask for, and name. */
export const MaxWant = 64;
export const MaxExcept = 128;

/** The first byte. */
export const enum SignalType {
  Join = 0x01,
  Want = 0x02,
  Status = 0x03,
  Ping = 0x04,
  Relay = 0x10,
  Welcome = 0x81,
  Peers = 0x82,
  Size = 0x83,
  Gone = 0x84,
  Pong = 0x85,
  Refused = 0x86,
  Drain = 0x87,
}

/** Why the server refuses; others are like 0. */
export const enum Code {
  Draining = 10,
}

/** Fields of a map; those with an empty value may be missing. */
export type Fields = Record<string, unknown>;

const empty = (v: unknown) => !v || (v instanceof Uint8Array && !v.length);

/** Encodes a map, without its empty fields. */
export const encodeMap = (type: SignalType, fields: Fields): Uint8Array =>
  encode(type, Object.fromEntries(Object.entries(fields).filter(([, v]) => !empty(v))));

/** Decodes the map behind a type byte. Throws Malformed. */
export function decodeMap(message: Uint8Array): Fields {
  const v = decode(message.subarray(1));
  return v && typeof v === "object" && !Array.isArray(v) && !(v instanceof Uint8Array) ? (v as Fields) : malformed("no map");
}

export const int = (v: unknown, most = Number.MAX_SAFE_INTEGER): number =>
  v === undefined ? 0 : typeof v === "number" && Number.isInteger(v) && v >= 0 && v <= most ? v : malformed(`number ${v}`);

export const text = (v: unknown): string => (v === undefined ? "" : typeof v === "string" ? v : malformed("text"));

export const bin = (v: unknown): Uint8Array =>
  v === undefined ? new Uint8Array() : v instanceof Uint8Array ? v : malformed("bytes");

/** Member ids, one behind the other. */
export function ids(v: unknown): string[] {
  const all = bin(v);
  if (all.length % IdSize) malformed("ids");
  return Array.from({ length: all.length / IdSize }, (_, i) => hex(all.subarray(i * IdSize, (i + 1) * IdSize)));
}

export const packIds = (list: string[]): Uint8Array => unhex(list.slice(0, MaxExcept).join(""));

/** A payload to another member; on its way to the receiver the server puts the sender's id in. */
export function encodeRelay(id: string, payload: Uint8Array): Uint8Array {
  const out = new Uint8Array(RelayHeader + payload.length);
  out[0] = SignalType.Relay;
  out.set(unhex(id), 1);
  out.set(payload, RelayHeader);
  return out;
}

/** What the server tells a new member. Limits of 0 are none. */
export interface Welcome {
  id: string;
  swarmSize: number;
  iceServers: RTCIceServer[];
  /** Ed25519 public key, empty in an unsigned swarm. */
  signingKey: Uint8Array;
  settings: Record<string, string>;
  limits: { messageBytes: number; messagesPerSecond: number; messageBurst: number; bytesPerSecond: number; byteBurst: number };
  /** Microseconds since 1970. */
  serverTime: number;
  /** Site rules keep members apart: signals do not go by way of neighbours. */
  confined: boolean;
}

export function parseWelcome(f: Fields): Welcome {
  const list = f["ice_servers"] ?? [];
  const limits = (f["limits"] ?? {}) as Fields;
  const settings = f["settings"] ?? {};
  const signingKey = bin(f["signing_key"]);
  if (!Array.isArray(list) || typeof limits !== "object" || typeof settings !== "object" || ![0, 32].includes(signingKey.length))
    malformed("welcome");
  return {
    id: hex(bin(f["id"])),
    swarmSize: int(f["swarm_size"]),
    iceServers: (list as Fields[]).map((s) => ({
      urls: s["urls"] as string[],
      ...(s["username"] ? { username: text(s["username"]), credential: text(s["credential"]) } : {}),
    })),
    signingKey,
    settings: Object.fromEntries(Object.entries(settings as Fields).map(([k, v]) => [k, text(v)])),
    limits: {
      messageBytes: int(limits["message_bytes"]),
      messagesPerSecond: int(limits["messages_per_second"]),
      messageBurst: int(limits["message_burst"]),
      bytesPerSecond: int(limits["bytes_per_second"]),
      byteBurst: int(limits["byte_burst"]),
    },
    serverTime: int(f["server_time"]),
    confined: !!f["confined"],
  };
}
