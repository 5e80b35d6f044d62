// Cuts messages that are too long into several (swarm/wire/split.go).
import { MessageType, type Have, type Run } from "../core/message.ts";
import type { ControlMessage } from "./control.ts";
import * as limit from "./limits.ts";

/** What MessagePack adds to the key of the largest record. */
const RecordOverhead = 14;
/** Leaves room for the headers of the message around its records. */
const SplitBytes = limit.MaxMessage - 64;

/** Cuts a message into ones that each keep to the limits, in order. Most come back alone. */
export function split(m: ControlMessage): ControlMessage[] {
  const { type } = m;
  switch (type) {
    case MessageType.Reserve:
      return pack(m.items, limit.MaxReservations, (r) => [r.key.length, 0]).map((items) => ({ type, items }));
    case MessageType.Release:
      return pack(m.keys, limit.MaxReleased, (k) => [k.length, 0]).map((keys) => ({ type, keys }));
    case MessageType.Peers:
      return pack(m.ids, limit.MaxPeers, (id) => [id.length, 0]).map((ids) => ({ type, ids }));
    case MessageType.Have:
      return splitHave(m);
  }
  return [m];
}

/** Tells losses before gains, so that a key in both ends up held. */
function splitHave(m: Have): Have[] {
  const cost = (r: Run): [number, number] => [r.key.length, r.count];
  const all = pack([...m.lost, ...m.gained], limit.MaxRuns, cost);
  if (all.length <= 1) return [m];
  const { type } = m;
  return [
    ...pack(m.lost, limit.MaxRuns, cost).map((lost) => ({ type, gained: [], lost })),
    ...pack(m.gained, limit.MaxRuns, cost).map((gained) => ({ type, gained, lost: [] })),
  ];
}

/** Packs greedily: up to `most` items, SplitBytes of encoding and MaxRunSegments segments a message. */
function pack<T>(items: T[], most: number, cost: (item: T) => [bytes: number, segments: number]): T[][] {
  const out: T[][] = [];
  let part: T[] = [];
  let bytes = 0;
  let segments = 0;
  for (const item of items) {
    const [b, s] = cost(item);
    if (part.length && (part.length === most || bytes + b + RecordOverhead > SplitBytes || segments + s > limit.MaxRunSegments)) {
      out.push(part);
      part = [];
      bytes = segments = 0;
    }
    part.push(item);
    bytes += b + RecordOverhead;
    segments += s;
  }
  if (part.length) out.push(part);
  return out;
}
