// How much this peer can promise (swarm/capacity.go).
import type { Core } from "./core.ts";
import { type Item, type Outbound, pieces } from "./item.ts";
import { MaxHungry, PieceSize } from "./limits.ts";
import type { Accept } from "./message.ts";
import { announce } from "./offer.ts";
import { second, seconds } from "./time.ts";
import { endOf } from "./upload.ts";

/** The part of the upload cap that is promised to neighbours: the rest carries control messages. */
const shareable = 0.85;
/** Assumed for segments whose duration was not told. */
const usualDuration = 2 * second;

/**
 * How many bytes more this peer can promise, so that all it has promised is sent
 * within the time of one segment; Infinity without a cap:
 *
 *     room = shareable × upload cap × duration − Σ remaining bytes of running transfers
 */
export function room(c: Core, it: Item): number {
  const { rate } = c.upload;
  if (!rate) return Infinity;
  const d = it.need.duration;
  let bytes = ((shareable * rate) / 8) * seconds(d > 0 ? d : usualDuration);
  for (const p of c.links) for (const out of p.outbound) bytes -= left(out) * PieceSize;
  return bytes;
}

/** How many pieces a transfer still has to send. */
function left(out: Outbound): number {
  const end = endOf(out);
  return end < 0 ? Math.max(1, out.item.prefix - out.next) : Math.max(0, end - out.next);
}

/** The fewest pieces worth a transfer of their own. */
const smallestShare = 4;

/**
 * How many pieces of an item one more receiver can be given, out of room: 0 is all of
 * them, -1 that there is room for nothing useful.
 */
export function portion(it: Item, room: number): number {
  if (room >= Math.max(it.size, it.need.size, PieceSize)) return 0;
  const n = Math.trunc(room / PieceSize);
  return n >= smallestShare ? n : -1;
}

/**
 * Whether an Accept can be served in time. Offers are not promises: several may be
 * taken up at once, so only what exceeds the room by a quarter is refused.
 */
export function hasRoom(c: Core, it: Item, m: Accept): boolean {
  const end = pieces(it);
  const count = m.count < 0 && end >= 0 ? end - m.first : m.count;
  return (room(c, it) * 5) / 4 >= Math.max(count, 1) * PieceSize;
}

/** Remembers an item with reservations that could not be offered yet. */
export function starving(c: Core, it: Item): void {
  if (c.hungry.includes(it)) return;
  if (c.hungry.length === MaxHungry) c.hungry.shift();
  c.hungry.push(it);
}

/** Offers again when a transfer has ended. */
export function feedHungry(c: Core): void {
  const waiting = c.hungry;
  c.hungry = [];
  // announce remembers it again where there is no room
  for (const it of waiting) if (c.items.get(it.key) === it) announce(c, it);
}
