// What the player wants, and how an item is brought one decision further (swarm/want.go).
import { audit, audited } from "./audit.ts";
import { type Core, note, send } from "./core.ts";
import { set } from "./bitset.ts";
import { EffectType } from "./effect.ts";
import type { Evicted, Gained, Held, Unwant, Want } from "./input.ts";
import { type Item, add, forget, gap, itemOf, measured, reset, useful } from "./item.ts";
import { type Key, MessageType } from "./message.ts";
import { MaxPieces } from "./limits.ts";
import { endRelay, expireReservations, findHolders, mark, reservationsEnd, reserve } from "./reserve.ts";
import { alone, decideOrigin, electionStart, nextRound, panicAt } from "./elect.ts";
import { endFetch, lastRetry, sample } from "./origin.ts";
import { announce, cancelInbound, credit, expect, tellEvery } from "./offer.ts";
import { excuseEnds, excused, queues } from "./outage.ts";
import { cancelOutbound, pump } from "./upload.ts";
import { inTime } from "./short.ts";
import { giveUpAt, paceCheck, replaceSlow } from "./slow.ts";
import { busy, dropSources, fill, fillItem, recount } from "./source.ts";
import { overtake, prove, pushUntil } from "./subscribe.ts";
import { type Time, microsecond } from "./time.ts";
import { Reason } from "./timer.ts";

/** Places or updates a wish of the player, and with it the passive reservation at every neighbour. */
export function want(c: Core, w: Want): void {
  const it = itemOf(c, w.key);
  if (it.whole) return;
  const fresh = !it.wanted;
  if (__EXPLAIN__)
    note(
      c,
      `want ${w.key} in ${w.available - c.now} ns by ${w.deadline - c.now} ns: ` +
        `asked ${w.asked}, urgent ${w.urgent}, fetchable ${w.fetchable}`,
    );
  if (w.asked && !it.need.asked) it.dead = false; // the player tries again, so may we
  it.wanted = true;
  it.need = { ...w };
  // playback may go on sooner than it seemed when the origin failed
  const last = panicAt(c, it);
  if (last > c.now) it.retryAt = Math.min(it.retryAt, Math.max(last, it.asideTill));
  if (it.relay) {
    it.relay = false;
    c.relays--;
  }
  if (fresh) {
    it.electFrom = electionStart(c, w);
    reserve(c, it);
    findHolders(c, it);
  } else if (!it.fetching && !it.heard) {
    it.electFrom = Math.max(it.electFrom, electionStart(c, w));
  }
  step(c, it);
}

/**
 * Takes wishes back. Bytes of an unfinished segment are let go; those who were
 * receiving it from here are told.
 */
export function unwant(c: Core, { keys }: Unwant): void {
  const gone: Key[] = [];
  for (const k of keys) {
    const it = c.items.get(k);
    if (!it || !(it.wanted || it.relay || (!it.whole && it.held))) continue; // a piece may have come late
    if (it.relay) c.relays--;
    it.wanted = it.relay = false;
    if (it.whole) continue;
    gone.push(k);
    if (__EXPLAIN__) note(c, `unwant ${k}`);
    drop(c, it);
  }
  if (gone.length) release(c, gone);
}

/** Takes reservations back at every neighbour. */
export function release(c: Core, keys: Key[]): void {
  for (const p of c.links) if (p.greeted) send(c, p, { type: MessageType.Release, keys });
}

/** Ends every transfer of an unfinished item, in and out, and forgets it. */
export function drop(c: Core, it: Item): void {
  interrupt(c, it);
  dropSources(c, it);
  reset(it);
  rest(c, it);
}

/** Ends every transfer of an item. */
export function interrupt(c: Core, it: Item): void {
  cancelInbound(c, it);
  if (it.fetching) {
    c.emit({ type: EffectType.CancelFetch, key: it.key });
    endFetch(c, it);
  }
  cancelOutbound(c, it);
}

/**
 * Brings an item one decision further: replace silent sources, ask others for what
 * nobody brings, ask the origin when it is our turn or the last moment. It may be
 * called at any time, any number of times.
 */
export function step(c: Core, it: Item): void {
  if (!useful(it)) return rest(c, it);
  expireReservations(c, it);
  if (it.relay && !it.reserved.length) return endRelay(c, it);
  if (it.wanted && c.now >= it.renewAt) reserve(c, it);
  if (it.dirty && c.now >= it.toldAt + tellEvery(c)) announce(c, it);
  replaceSlow(c, it);
  if (it.coming && c.now >= pushUntil(c, it)) recount(it);
  overtake(c, it);
  fillItem(c, it);
  decideOrigin(c, it);
  schedule(c, it);
}

/** Keeps a record only while somebody may still ask for it. */
export function rest(c: Core, it: Item): void {
  expireReservations(c, it);
  const at = reservationsEnd(it);
  if (at < Infinity) c.timers.set(it.timer, at, Reason.Expire);
  else c.timers.clear(it.timer);
  forget(c, it);
}

/** Sets the item's one timer to the earliest moment that could change a decision. */
export function schedule(c: Core, it: Item): void {
  let at = Infinity;
  let why = Reason.Expire;
  const sooner = (t: Time, w: Reason) => {
    if (t < at) {
      at = t;
      why = w;
    }
  };
  if (it.relay) sooner(reservationsEnd(it), Reason.Expire);
  if (it.wanted) sooner(it.renewAt, Reason.Expire);
  for (const s of it.sources)
    if (busy(s)) {
      sooner(giveUpAt(c, s), Reason.Stall);
      if (it.sources.length > 1) sooner(c.now + paceCheck, Reason.Stall);
    }
  if (it.dirty) sooner(it.toldAt + tellEvery(c), Reason.Tell);
  const push = pushUntil(c, it);
  if (push > c.now) sooner(push, Reason.Stall);
  if (__SEEDS__ && queues(c)) sooner(c.now + lastRetry, Reason.Retry);
  else if (it.wanted && it.need.fetchable && !it.fetching && !it.dead) {
    const floor = Math.max(it.retryAt, it.need.available);
    if (it.retryAt > c.now) sooner(floor, Reason.Retry);
    if (!c.links.length && it.need.asked && alone(c) > c.now) sooner(Math.max(floor, alone(c)), Reason.Elect);
    if (gap(it)) sooner(Math.max(floor, nextRound(c, it), it.promised), Reason.Elect);
    const last = panicAt(c, it);
    if (last < Infinity) sooner(Math.max(floor, excused(c, it) ? excuseEnds(c, it) : last), Reason.Deadline);
  }
  if (at === Infinity) c.timers.clear(it.timer);
  else c.timers.set(it.timer, Math.max(at, c.now + microsecond), why);
}

/** Books verified pieces and passes them on. */
export function gained(c: Core, g: Gained): void {
  const it = c.items.get(g.key);
  if (!it || it.whole || g.first < 0 || g.count < 0 || g.first + g.count > MaxPieces) {
    if (__EXPLAIN__ && it?.whole) c.counters.piecesTwice += g.count;
    const from = c.peers.get(g.from);
    if (it?.whole && from) audited(c, from, g.key, true);
    return;
  }
  measured(c, it, g.size);
  const fresh = add(it, g.first, g.count);
  if (__EXPLAIN__) c.counters.piecesTwice += g.count - fresh;
  const p = c.peers.get(g.from);
  if (!g.from) {
    if (__EXPLAIN__) c.counters.piecesOrigin += fresh;
  } else if (p) {
    if (__EXPLAIN__) c.counters.piecesIn += fresh;
    credit(c, it, p, g.first, g.count);
    expect(c, it);
  }
  if (it.sure && it.held === it.n) return complete(c, it, !g.from && g.first + g.count === it.n);
  announce(c, it);
  pump(c);
  const from = c.peers.get(g.from);
  if (from) fill(c, from);
}

/** Has an item looked at again, at the latest at the given time. */
export function wake(c: Core, { timer }: Item, at: Time, why: Reason): void {
  if (timer.index < 0 || at < timer.at) c.timers.set(timer, Math.max(at, c.now + microsecond), why);
}

/**
 * Turns an item into one that is held and served. drained says that a running fetch
 * has nothing left to bring.
 */
function complete(c: Core, it: Item, drained: boolean): void {
  it.whole = true;
  if (__EXPLAIN__) c.counters.completed++;
  if (__EXPLAIN__) note(c, `whole ${it.key}: ${it.held} pieces, ${it.hops} hops, from [${it.sender.join(" ")}]`);
  if (__EXPLAIN__ && it.sender.length && !it.fetch.cause) c.counters.completedPeer++;
  cancelInbound(c, it);
  if (it.fetching && !drained) c.emit({ type: EffectType.CancelFetch, key: it.key });
  if (it.relay) {
    it.relay = false;
    c.relays--;
  }
  prove(c, it);
  inTime(c, it);
  it.wanted = false;
  const sources = [...it.sources];
  dropSources(c, it);
  for (const s of sources) audit(c, s);
  if (!it.private) {
    announce(c, it);
    mark(c, it.key, true);
  }
  it.news = [];
  pump(c);
  sample(c, it);
  rest(c, it);
}

/** Books a segment found in the store. Its size may follow in a second Held. */
export function held(c: Core, h: Held): void {
  const it = itemOf(c, h.key);
  if (it.whole && (it.size >= 0 || h.size < 0)) return;
  if (h.size >= 0) {
    measured(c, it, h.size);
    for (let i = 0; i < it.n; i++) set(it.have, i);
    it.held = it.prefix = it.n;
  }
  if (it.whole) return;
  it.hops = Math.max(it.hops, 1);
  complete(c, it, false);
}

/** Books that the store let go of a segment. */
export function evicted(c: Core, { key }: Evicted): void {
  const it = c.items.get(key);
  if (!it?.whole) return;
  cancelOutbound(c, it);
  reset(it);
  mark(c, key, false);
  rest(c, it);
}
