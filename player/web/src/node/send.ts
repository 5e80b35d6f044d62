// What goes over links (swarm/node/send.go).
import { InputType, MessageType, type Begin, type Key, type Send, type Sent, type Transmit } from "../core/index.ts";
import { pieceCount, type Leaf } from "../segments/piece.ts";
import type { Statement } from "../segments/statement.ts";
import { encodeBulk, FrameType, splitBegin, splitLeaves } from "../wire/bulk.ts";
import { encodeControl } from "../wire/control.ts";
import { split } from "../wire/split.ts";
import { growingSource, remember, storedSource, type Neighbour, type Shipment, type Source } from "./links.ts";
import type { Node } from "./node.ts";
import { rest } from "./tails.ts";

/**
 * How much may wait on a link's bulk channel before the brain is told that it is full: one
 * piece. More would hide how fast the uplink is, and the player's own requests would wait
 * behind it.
 */
export const HighWater = 16384;

/** Carries out a Send. */
export function send(n: Node, s: Send): void {
  const lk = n.neighbours.get(s.to);
  const m = s.message;
  if (!lk) return;
  if (m.type === MessageType.Begin) return begin(n, lk, m);
  if (m.type === MessageType.Offer && n.silent) return;
  if (m.type === MessageType.Accept) n.object(m.key).touched = performance.now(); // bytes for a neighbour need a place too
  for (const part of split(m)) lk.link.sendControl(encodeControl(part));
}

/** Finds where a key can be read. */
function source(n: Node, key: Key): Source | undefined {
  const o = n.objects.get(key);
  if (o) return growingSource(o.assembly);
  const segment = n.cfg.store.peek(key);
  return segment && storedSource(segment);
}

/** Opens a transfer with the leaves that are known so far. */
function begin(n: Node, lk: Neighbour, m: Begin): void {
  const src = source(n, m.key);
  if (!src) {
    n.enqueue({ type: InputType.Evicted, key: m.key });
    return;
  }
  const ship: Shipment = {
    key: m.key,
    source: src,
    leaves: 0,
    final: false,
    tail: { index: -1, bytes: 0, frames: 0 },
  };
  remember(lk.leaving, m.transfer, ship);
  const [leaves, statement] = vouched(ship);
  ship.leaves = leaves.length;
  ship.final = !!statement && statement.size >= 0;
  const { contentType, etag, lastModified } = src.meta();
  const frame = { frame: FrameType.Begin as const, begin: { ...m, size: src.size() }, contentType, etag, lastModified, firstLeaf: 0, leaves, statement };
  for (const f of splitBegin(frame)) lk.link.sendBulk(encodeBulk(f));
}

/**
 * The leading leaves this peer can pass on, and the statement about them: all that are
 * known when nobody signs, else those the seed's latest statement covers.
 */
function vouched(ship: Shipment): [Leaf[], Statement | undefined] {
  const leaves = ship.source.leaves();
  const st = ship.source.statement();
  return st && st.count <= leaves.length ? [leaves.slice(0, st.count), st] : [leaves, undefined];
}

/** Hands pieces to the link, each after its leaf. */
export function transmit(n: Node, t: Transmit): void {
  const lk = n.neighbours.get(t.to);
  if (!lk) return;
  const ship = lk.leaving.get(t.transfer);
  const sent: Sent = { type: InputType.Sent, to: t.to, transfer: t.transfer, count: t.count };
  if (!ship) return n.enqueue(sent);
  tellLeaves(lk, ship, t);
  const end = t.first + t.count;
  for (let index = t.first; index < end; index++) {
    const piece = ship.source.piece(index);
    if (!piece) {
      n.enqueue({ type: InputType.Evicted, key: t.key }); // it was reset
      break;
    }
    const { payload, continues } = piece.compressed ? { payload: piece.payload, continues: false } : rest(ship, index, piece.payload);
    lk.link.sendBulk(encodeBulk({ frame: FrameType.Piece, transfer: t.transfer, index, compressed: piece.compressed, continues, payload }));
    lk.bytesOut += payload.length;
    n.tally.uploaded += payload.length;
  }
  if (lk.link.queued() < HighWater) n.enqueue(sent);
  else lk.unsent.push(sent);
}

/** Sends the leaves of a growing segment up to the pieces that follow, and the final statement before its last. */
function tellLeaves(lk: Neighbour, ship: Shipment, t: Transmit): void {
  const size = ship.source.size();
  const end = t.first + t.count;
  const ends = size >= 0 && end >= pieceCount(size);
  if (ship.leaves >= end && (!ends || ship.final)) return;
  const [leaves, statement] = vouched(ship);
  const final = !!statement && statement.size >= 0;
  if (leaves.length <= ship.leaves && (!statement || final === ship.final)) return;
  const first = ship.leaves;
  ship.leaves = Math.max(first, leaves.length);
  ship.final = final;
  const frame = { frame: FrameType.Leaves as const, transfer: t.transfer, first, size, leaves: leaves.slice(first), statement };
  for (const f of splitLeaves(frame)) lk.link.sendBulk(encodeBulk(f));
}
