// What comes over links (swarm/node/receive.go, links.go): leaves are checked and pieces
// verified here, before the brain hears of them.
import { InputType, MessageType, Refusal, type Key, type PeerID } from "../core/index.ts";
import { startsWith } from "../segments/bytes.ts";
import { decompressPiece } from "../segments/compress.ts";
import { Fault, faultOf, isConflict, SegmentError } from "../segments/errors.ts";
import { MaxPieces, type Leaf } from "../segments/piece.ts";
import { verifyStatement, type Statement } from "../segments/statement.ts";
import { FrameType, parseBulk, type BeginFrame, type PieceFrame } from "../wire/bulk.ts";
import { encodeControl, parseControl, type ControlMessage } from "../wire/control.ts";
import { Malformed } from "../wire/msgpack.ts";
import { Neighbour, remember, type Arrival } from "./links.ts";
import type { Handler } from "./network.ts";
import type { Node } from "./node.ts";
import type { Obj } from "./object.ts";
import { takeTail, wholeOf } from "./tails.ts";

const ControlChannel = 0;
const BulkChannel = 1;

/** Events of the network. */
export function handlerOf(n: Node): Handler {
  return {
    linkUp(l) {
      n.neighbours.set(l.peer, new Neighbour(l));
      n.cfg.events.link(l.peer, true);
      n.feed({ type: InputType.LinkUp, peer: l.peer, rtt: l.rtt() });
    },
    linkDown(peer) {
      const lk = n.neighbours.get(peer);
      if (lk) {
        lk.down = true;
        n.neighbours.delete(peer);
        n.cfg.events.link(peer, false);
      }
      n.feed({ type: InputType.LinkDown, peer });
    },
    control(l, message) {
      const lk = n.neighbours.get(l.peer);
      lk?.inOrder(ControlChannel, () => control(n, lk, message), (e) => malformed(n, lk, e));
    },
    bulk(l, frame) {
      const lk = n.neighbours.get(l.peer);
      lk?.inOrder(BulkChannel, () => bulk(n, lk, frame), (e) => malformed(n, lk, e));
    },
    writable(l) {
      const lk = n.neighbours.get(l.peer);
      if (!lk) return;
      for (const sent of lk.unsent.splice(0)) n.feed(sent);
      if (l.rtt() > 0) n.feed({ type: InputType.Measured, peer: l.peer, rtt: l.rtt() });
    },
    introduced: (peers) => n.feed({ type: InputType.Introduced, peers }),
    state(size, connected) {
      n.swarmSize = size;
      n.connected = connected;
      n.feed({ type: InputType.SwarmState, size, connected });
    },
    forward(to, payload) {
      if (!n.neighbours.size) return false;
      n.enqueue({ type: InputType.ForwardOut, to, payload });
      return true;
    },
  };
}

export function disconnect(n: Node, peer: PeerID, reason: string): void {
  n.neighbours.get(peer)?.link.close(reason);
}

/** Closes a link whose other end does not keep to the protocol. */
function malformed(n: Node, lk: Neighbour, error: unknown): void {
  if (!(error instanceof Malformed)) {
    n.cfg.events.warning(`${error}`); // our own fault
    return;
  }
  n.tally.malformed++;
  disconnect(n, lk.peer, "malformed message");
}

async function control(n: Node, lk: Neighbour, message: Uint8Array): Promise<void> {
  const m = parseControl(message);
  if (!m || (n.silent && declined(lk, m))) return;
  if (m.type === MessageType.Hello) lk.seed = m.seed;
  // What is on disk only must be in memory when the brain answers.
  if (m.type === MessageType.Accept && !n.objects.has(m.key)) await n.cfg.store.get(m.key);
  n.feed({ type: InputType.Received, from: lk.peer, message: m });
}

/**
 * Answers what asks for bytes while none are sent. A reservation does not: who else cares
 * for a segment decides whose turn it is to ask the origin.
 */
function declined(lk: Neighbour, m: ControlMessage): boolean {
  if (m.type === MessageType.Accept)
    lk.link.sendControl(encodeControl({ type: MessageType.Refuse, key: m.key, reason: Refusal.Busy }));
  else if (m.type === MessageType.Subscribe) lk.link.sendControl(encodeControl({ type: MessageType.Unsubscribe, track: m.track }));
  else return false;
  return true;
}

/** Refuses from now on what asks for bytes, and lets go of those who are pushed to. */
export function hush(n: Node): void {
  n.silent = true;
  for (const { id, children } of n.core.links) {
    for (const track of [...children.keys()]) {
      const message = { type: MessageType.Unsubscribe, track } as const;
      n.neighbours.get(id)?.link.sendControl(encodeControl(message));
      n.feed({ type: InputType.Received, from: id, message });
    }
  }
}

async function bulk(n: Node, lk: Neighbour, frame: Uint8Array): Promise<void> {
  const f = parseBulk(frame);
  if (!f) return;
  lk.bytesIn += frame.length;
  if (f.frame === FrameType.Begin) return beginArrival(n, lk, f);
  const a = lk.arriving.get(f.transfer);
  if (!a) {
    if (f.frame === FrameType.Leaves) return;
    n.tally.duplicate += f.payload.length; // nobody asked for it
    const key = lk.late.get(f.transfer);
    if (key) n.late(key, lk.peer); // nobody looks at its bytes
    return;
  }
  let goesOn = true;
  if (f.frame === FrameType.Leaves) goesOn = await judged(n, lk, a, () => takeLeaves(n, a, f.first, f.leaves, f.size, f.statement));
  else if (f.frame === FrameType.Piece) goesOn = await takePiece(n, lk, a, f);
  else goesOn = await judged(n, lk, a, () => takeTail(n, lk, a, f));
  if (!goesOn && f.frame !== FrameType.Leaves) lk.arriving.delete(f.transfer);
}

async function beginArrival(n: Node, lk: Neighbour, b: BeginFrame): Promise<void> {
  const { begin } = b;
  const o = n.objects.get(begin.key);
  if (o) {
    const a: Arrival = {
      object: o,
      first: b.firstLeaf,
      pending: [],
      size: begin.size,
      tailOf: -1,
      tail: new Uint8Array(),
      restarts: o.restarts,
    };
    if (!o.answer) o.assembly.setMeta({ contentType: b.contentType, etag: b.etag, lastModified: b.lastModified, shareable: true });
    if (!(await judged(n, lk, a, () => takeLeaves(n, a, b.firstLeaf, b.leaves, begin.size, b.statement)))) return refuse(n, lk, begin.key);
    if (lk.down) return;
    remember(lk.arriving, begin.transfer, a);
  } else remember(lk.late, begin.transfer, begin.key);
  n.feed({ type: InputType.Received, from: lk.peer, message: begin });
  if (o && begin.size === 0) n.gained(o, lk.peer, 0, 0);
}

/** Has the brain take it as if the source had nothing. */
function refuse(n: Node, lk: Neighbour, key: Key): void {
  n.feed({ type: InputType.Received, from: lk.peer, message: { type: MessageType.Refuse, key, reason: Refusal.Gone } });
}

/** Does work that a false claim ends, and tells the brain of one. Says whether the transfer may go on. */
async function judged(n: Node, lk: Neighbour, a: Arrival, work: () => void | Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    judge(n, lk, a, error);
    return false;
  }
}

function judge(n: Node, lk: Neighbour, a: Arrival, error: unknown): void {
  const { key } = a.object;
  const fault = faultOf(error);
  if (!fault) throw error;
  if (fault === Fault.Dishonest || fault === Fault.BadPiece) {
    n.tally.rejected++;
    n.feed({ type: InputType.BadPiece, key, from: lk.peer });
  } else if (isConflict(error)) {
    const list = n.claims.get(key) ?? [];
    n.claims.set(key, list);
    list.push({ peer: lk.peer, first: a.first, leaves: a.pending });
    n.feed({ type: InputType.Conflict, key, from: lk.peer });
  }
}

const dishonest = (message: string): never => {
  throw new SegmentError(Fault.Dishonest, message);
};

/** Adds leaves to a transfer and, once their statement has come or none is needed, to the segment. */
async function takeLeaves(n: Node, a: Arrival, first: number, leaves: Leaf[], size: number, st: Statement | undefined): Promise<void> {
  if (first !== a.first + a.pending.length) dishonest(`leaves from ${first} on follow those up to ${a.first + a.pending.length}`);
  a.pending = [...a.pending, ...leaves];
  if (size >= 0) a.size = size;
  if (a.pending.length > MaxPieces) dishonest(`${a.pending.length} leaves`);
  if (n.key) {
    if (st) await commitSigned(n, a, n.key, st); // else it may be in a later frame
  } else if (!n.cfg.requireSigned) commit(a);
}

/** Checks a seed's statement and believes it over anything unsigned. */
async function commitSigned(n: Node, a: Arrival, pub: Uint8Array, st: Statement): Promise<void> {
  const { assembly, key } = a.object;
  let all = a.pending;
  if (a.first > 0) {
    const known = assembly.leaves();
    if (known.length < a.first) throw new SegmentError(Fault.NoLeaf, `${key}: leaves from ${a.first} on, only ${known.length} are known`);
    all = [...known.slice(0, a.first), ...a.pending];
  }
  if (!(await verifyStatement(st, pub, n.cfg.swarm, key, all))) dishonest(`${key}: the statement does not hold`);
  if (st.count < all.length) dishonest(`${key}: ${all.length} leaves, the statement is about ${st.count}`);
  try {
    commit(a);
  } catch (error) {
    throw overruled(n, a.object, error);
  }
  if (st.size >= 0) assembly.setSize(st.size);
  assembly.setStatement(st);
}

/**
 * Has a segment start over, because what is here was unsigned and contradicts what a
 * seed signed. The error names nobody.
 */
export function overruled(n: Node, o: Obj, error: unknown): Error {
  n.feed({ type: InputType.Conflict, key: o.key, from: "" });
  return new SegmentError(Fault.Unavailable, `${o.key} restarts, unsigned bytes contradict a seed: ${error}`);
}

/** Adds the transfer's leaves to the segment. */
function commit(a: Arrival): void {
  const { assembly } = a.object;
  if (a.size >= 0) assembly.setSize(a.size);
  assembly.addLeaves(a.first, a.pending);
  a.first += a.pending.length;
  a.pending = [];
}

/** Verifies a piece and keeps it. Says whether the transfer may go on. */
async function takePiece(n: Node, lk: Neighbour, a: Arrival, p: PieceFrame): Promise<boolean> {
  const o = a.object;
  const { assembly } = o;
  if (a.pending.length) {
    // Pieces come, a statement did not.
    if (n.cfg.requireSigned) {
      refuse(n, lk, o.key);
      return false;
    }
    if (!(await judged(n, lk, a, () => commit(a)))) return false;
  }
  let data = p.payload;
  let fresh = false;
  try {
    if (p.compressed) data = await decompressPiece(data);
    if (p.continues) data = wholeOf(a, p.index, data);
    a.tail = new Uint8Array();
    fresh = await assembly.putPiece(p.index, data, lk.peer);
  } catch (error) {
    const tail = assembly.tail;
    // An unsigned tail that this piece goes on from is this neighbour's word, or no better.
    if (faultOf(error) === Fault.BadPiece && p.continues && tail && !tail.signature && startsWith(data, tail.bytes))
      assembly.retractTail(p.index);
    const named = faultOf(error) === Fault.BadPiece || faultOf(error) === Fault.Dishonest || faultOf(error) === Fault.Tail;
    if (!named) return true; // the segment was reset or failed meanwhile: this piece is dropped
    judge(n, lk, a, error);
    return false;
  }
  if (fresh) n.tally.peer += data.length;
  else n.tally.duplicate += data.length;
  n.gained(o, lk.peer, p.index, 1);
  return true;
}
