// Messages of the control channel (swarm/PROTOCOL.md §6): a type byte, then a MessagePack
// array of the fields in order.
import { MessageType, type Begin, type Message, type Run } from "../core/message.ts";
import { Fields, toMilliseconds } from "./fields.ts";
import * as limit from "./limits.ts";
import { decode, encode, malformed } from "./msgpack.ts";

/** What travels on the control channel: every message but Begin. */
export type ControlMessage = Exclude<Message, Begin>;

/**
 * Decodes one message; undefined for a type that this version does not know. Throws
 * Malformed.
 */
export function parseControl(b: Uint8Array): ControlMessage | undefined {
  if (!b.length || b.length > limit.MaxMessage) malformed(`control message of ${b.length} bytes`);
  const type = b[0] as ControlMessage["type"];
  if (type < MessageType.Hello || type > MessageType.Bye) return undefined;
  const f = new Fields(decode(b.subarray(1)));
  switch (type) {
    case MessageType.Hello:
      return {
        type,
        version: f.int(0, limit.MaxVersion),
        seed: f.bool(),
        metered: f.bool(),
        uplink: f.int(0, limit.MaxUplink),
        maxPeers: f.int(0, limit.MaxPeerLimit),
      };
    case MessageType.Reserve:
      return { type, items: f.list(limit.MaxReservations, (r) => ({ key: r.key(), hops: r.hops(), due: r.duration() })) };
    case MessageType.Release:
      return { type, keys: f.plain(limit.MaxReleased, (k) => k.key()) };
    case MessageType.Have: {
      const m = { type, gained: f.list(limit.MaxRuns, parseRun), lost: f.list(limit.MaxRuns, parseRun) };
      const total = [...m.gained, ...m.lost].reduce((n, r) => n + r.count, 0);
      return total > limit.MaxRunSegments ? malformed(`have of ${total} segments`) : m;
    }
    case MessageType.Offer:
      return {
        type,
        key: f.key(),
        size: f.size(),
        hops: f.hops(),
        pieces: f.first(),
        more: f.bin(limit.MaxPieceMap),
        seeded: f.bool(),
      };
    case MessageType.Accept:
      return {
        type,
        key: f.key(),
        first: f.first(),
        count: f.count(),
        due: f.duration(),
        only: f.bin(limit.MaxPieceMap),
      };
    case MessageType.Refuse:
      return { type, key: f.key(), reason: f.int(0, limit.MaxRefusal) };
    case MessageType.Cancel:
      return { type, key: f.key() };
    case MessageType.Subscribe:
      return { type, track: f.track(), hops: f.hops(), slices: f.int(0, 255) };
    case MessageType.Unsubscribe:
      return { type, track: f.track() };
    case MessageType.Peers:
      return { type, ids: f.plain(limit.MaxPeers, (p) => p.peer()) };
    case MessageType.Forward:
      return { type, from: f.peer(), to: f.peer(), payload: f.bin(limit.MaxForward) };
    case MessageType.Bye:
      return { type, reason: f.text(limit.MaxReason) };
  }
}

function parseRun(f: Fields): Run {
  const run = { key: f.key(), count: f.int(1, limit.MaxRunSegments) };
  if (run.count > 1) {
    const last = run.key.slice(run.key.lastIndexOf("/") + 1);
    if (!/^(0|[1-9]\d{0,19})$/.test(last) || BigInt(last) + BigInt(run.count) >= 1n << 64n) malformed(`run of ${run.key}`);
  }
  return run;
}

/** Encodes a message. It does not check limits: split first what may be too long. */
export function encodeControl(m: ControlMessage): Uint8Array {
  return encode(m.type, fieldsOf(m));
}

function fieldsOf(m: ControlMessage): unknown[] {
  switch (m.type) {
    case MessageType.Hello:
      return [m.version, m.seed, m.metered, m.uplink, m.maxPeers];
    case MessageType.Reserve:
      return [m.items.map((r) => [r.key, r.hops, toMilliseconds(r.due)])];
    case MessageType.Release:
      return [m.keys];
    case MessageType.Have:
      return [m.gained.map((r) => [r.key, r.count]), m.lost.map((r) => [r.key, r.count])];
    case MessageType.Offer:
      return [m.key, m.size, m.hops, m.pieces, m.more, m.seeded];
    case MessageType.Accept:
      return [m.key, m.first, m.count, toMilliseconds(m.due), m.only];
    case MessageType.Refuse:
      return [m.key, m.reason];
    case MessageType.Cancel:
      return [m.key];
    case MessageType.Subscribe:
      return [m.track, m.hops, m.slices];
    case MessageType.Unsubscribe:
      return [m.track];
    case MessageType.Peers:
      return [m.ids];
    case MessageType.Forward:
      return [m.from, m.to, m.payload];
    case MessageType.Bye:
      // Characters of text fit bytes of text only where they are ASCII: a third is safe.
      return [m.reason.slice(0, /^[ -~]*$/.test(m.reason) ? limit.MaxReason : limit.MaxReason / 3)];
  }
}
