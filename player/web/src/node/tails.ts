// The beginnings of pieces that are not whole yet (swarm/node/tails.go).
import type { TransmitTail } from "../core/index.ts";
import { concat } from "../segments/bytes.ts";
import { Fault, SegmentError } from "../segments/errors.ts";
import { PieceSize } from "../segments/piece.ts";
import { verifyTail } from "../segments/statement.ts";
import { encodeBulk, FrameType, type TailFrame } from "../wire/bulk.ts";
import { flowing } from "./fetch.ts";
import { HighWater } from "./send.ts";
import type { Arrival, Neighbour, Shipment } from "./links.ts";
import type { Node } from "./node.ts";
import { overruled } from "./receive.ts";

/** Tails of one piece that are sent as soon as there is a byte more; from then on steps of TailStep bytes. */
const EagerTails = 64;
const TailStep = 1024;

const dishonest = (message: string): never => {
  throw new SegmentError(Fault.Dishonest, message);
};

/** Sends what a link lacks of an unfinished piece; in a signed swarm only what a seed has signed. */
export function transmitTail(n: Node, t: TransmitTail): void {
  const lk = n.neighbours.get(t.to);
  const ship = lk?.leaving.get(t.transfer);
  const tail = ship?.source.assembly?.tail;
  if (!lk || !ship || !tail || tail.index !== t.index || lk.link.queued() >= 8 * HighWater) return;
  if (ship.tail.index !== t.index) ship.tail = { index: t.index, bytes: 0, frames: 0 };
  const fresh = tail.bytes.length - ship.tail.bytes;
  if (fresh <= 0 || (ship.tail.frames >= EagerTails && fresh < TailStep) || (n.key && !tail.signature)) return;
  const payload = tail.bytes.subarray(ship.tail.bytes);
  lk.link.sendBulk(
    encodeBulk({ frame: FrameType.Tail, transfer: t.transfer, index: t.index, offset: ship.tail.bytes, signature: tail.signature, payload }),
  );
  ship.tail.bytes += fresh;
  ship.tail.frames++;
  lk.bytesOut += fresh;
  n.tally.uploaded += fresh;
}

/** What of a piece its receiver has not been sent as a tail. */
export function rest(ship: Shipment, index: number, payload: Uint8Array): { payload: Uint8Array; continues: boolean } {
  const { tail } = ship;
  const continues = tail.index === index && tail.bytes > 0 && tail.bytes <= payload.length;
  return { payload: continues ? payload.subarray(tail.bytes) : payload, continues };
}

/** Shows readers the beginning of a piece, once a seed's signature over it was checked where a key is known. */
export async function takeTail(n: Node, lk: Neighbour, a: Arrival, t: TailFrame): Promise<void> {
  const o = a.object;
  if (a.tailOf !== t.index) {
    a.tailOf = t.index;
    a.tail = new Uint8Array();
  }
  if (t.offset !== a.tail.length) dishonest(`tail of piece ${t.index} from byte ${t.offset} on follows ${a.tail.length}`);
  a.tail = concat([a.tail, t.payload]);
  const tail = { index: t.index, bytes: a.tail, signature: t.signature };
  if (n.key) {
    if (!t.signature) return; // kept for the piece, not shown
    if (!(await verifyTail(tail, n.key, n.cfg.swarm, o.key))) dishonest(`${o.key}: the tail's signature does not hold`);
  }
  if (a.restarts !== o.restarts) return; // what it began with was thrown away
  try {
    if (o.assembly.putTail(tail)) flowing(n, o, lk.peer);
  } catch (error) {
    throw n.key ? overruled(n, o, error) : error;
  }
}

/** Puts the rest of a piece behind what its tails brought. */
export function wholeOf(a: Arrival, index: number, end: Uint8Array): Uint8Array {
  if (a.tailOf !== index || !a.tail.length || a.tail.length + end.length > PieceSize)
    dishonest(`${end.length} bytes continue piece ${index}, of which ${a.tail.length} came`);
  return concat([a.tail, end]);
}
