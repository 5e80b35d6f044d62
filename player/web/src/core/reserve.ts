// Passive reservations, and what neighbours hold (swarm/reserve.go).
import { type Core, send } from "./core.ts";
import { type Item, type Reserved, itemOf, of, useful } from "./item.ts";
import { MaxHaves, MaxReservations, ReservationLife, remember, remove } from "./limits.ts";
import { type Have, type Key, MessageType, type Release, type Reservation, type Reserve } from "./message.ts";
import { here, offer, promise, tell } from "./offer.ts";
import { type Peer, interested } from "./peer.ts";
import { keysOf, runs } from "./run.ts";
import { addSource, count, removeSource } from "./source.ts";
import { type Time, second } from "./time.ts";
import { Reason } from "./timer.ts";
import { removeOutbound } from "./upload.ts";
import { drop, release, rest, step } from "./want.ts";

/** How long gains and losses are gathered before neighbours hear. */
const gossipEvery = second;
/** Reservations in one message. */
const perReserve = 256;
/** Runs of each kind in one Have. */
const perHave = 512;

/**
 * Has a wish told to all neighbours, and again before they forget it: a player may pause,
 * and an origin may fail for longer than ReservationLife.
 */
export function reserve(c: Core, it: Item): void {
  c.toReserve.push(it);
  it.renewAt = Math.max(it.need.deadline, c.now) + ReservationLife / 2;
}

/** Tells all neighbours of the wishes placed since the last drain, in one message each. */
export function flushReserve(c: Core): void {
  const items = c.toReserve;
  if (!items.length) return;
  c.toReserve = [];
  for (const p of c.links) reserveAt(c, p, items);
}

/** Places reservations for items at one neighbour. */
export function reserveAt(c: Core, p: Peer, wishes: Item[]): void {
  if (!p.greeted || __SEEDS__ && c.cfg.seed) return; // a seed fetches for itself and waits for nobody
  const all: Reservation[] = [];
  for (const it of wishes) {
    // who wants the same from us is not asked on others' behalf
    if (!useful(it) || (it.relay && of(it.reserved, p))) continue;
    all.push({
      key: it.key,
      hops: +(!it.relay && lonely(c, it)),
      due: it.wanted && it.need.deadline > 0 ? Math.max(0, it.need.deadline - c.now) : ReservationLife,
    });
  }
  for (let i = 0; i < all.length; i += perReserve)
    send(c, p, { type: MessageType.Reserve, items: all.slice(i, i + perReserve) });
}

/** So few neighbours care for the item's track that it pays to ask theirs (tier-2). */
function lonely(c: Core, it: Item): boolean {
  return !c.links.some((p) => p.hello.seed) && c.links.filter((p) => p.tracks.has(it.track)).length < 2;
}

/** Books a neighbour's interest and answers at once with what is here. */
export function reserved(c: Core, p: Peer, m: Reserve): void {
  for (const r of m.items) {
    if (__EXPLAIN__) c.counters.reservations++;
    if (p.reserved.size >= MaxReservations) break;
    const it = itemOf(c, r.key);
    const due = c.now + r.due + ReservationLife;
    const old = of(it.reserved, p);
    if (old) {
      old.due = due;
      continue;
    }
    const mine: Reserved = { peer: p, due, told: false };
    it.reserved.push(mine);
    p.reserved.add(r.key);
    interested(p, it.track);
    if (here(it) && !(it.whole && it.size < 0)) tell(c, it, mine, offer(it));
    else if (it.fetching) promise(c, it);
    else if (
      r.hops > 0 &&
      !it.wanted &&
      !it.relay &&
      !c.cfg.metered &&
      !(__SEEDS__ && c.cfg.seed) &&
      c.relays < c.cfg.relayReservations &&
      c.links.length > 1
    ) {
      it.relay = true;
      c.relays++;
      c.toReserve.push(it);
      findHolders(c, it);
      step(c, it);
      continue;
    }
    if (!useful(it)) rest(c, it);
  }
}

export function released(c: Core, p: Peer, { keys }: Release): void {
  for (const k of keys) {
    const it = c.items.get(k);
    if (!it) continue;
    const r = of(it.reserved, p);
    if (r) removeReservation(it, r);
    const out = of(it.outbound, p);
    if (out) removeOutbound(out);
    step(c, it);
  }
}

export function removeReservation(it: Item, r: Reserved): void {
  remove(it.reserved, r);
  r.peer.reserved.delete(it.key);
}

export function expireReservations(c: Core, it: Item): void {
  for (const r of [...it.reserved]) if (r.due <= c.now) removeReservation(it, r);
}

/** When the first reservation expires, Infinity where there is none. */
export const reservationsEnd = (it: Item): Time => Math.min(...it.reserved.map((r) => r.due));

/** Gives up a neighbour's reservation that nobody waits for any more. */
export function endRelay(c: Core, it: Item): void {
  it.relay = false;
  c.relays--;
  release(c, [it.key]);
  drop(c, it);
}

/** Remembers that a whole key came or went, for the next Have. */
export function mark(c: Core, k: Key, gained: boolean): void {
  c.changed.set(k, gained);
  if (c.gossip.index < 0) c.timers.set(c.gossip, c.now + gossipEvery, Reason.Gossip);
}

/** Tells each neighbour what changed, less what it was offered already or sent here itself. */
export function tellHave(c: Core): void {
  for (const p of c.links) {
    if (!p.greeted) continue;
    const gained: Key[] = [];
    const lost: Key[] = [];
    for (const [k, got] of c.changed) {
      const it = c.items.get(k);
      if (!got) lost.push(k);
      else if (it?.whole && !of(it.reserved, p) && !p.haves.has(k)) gained.push(k);
    }
    sendHave(c, p, gained, lost);
  }
  c.changed.clear();
}

/** Tells a new neighbour everything that is held. */
export function greetHave(c: Core, p: Peer): void {
  const all: Key[] = [];
  for (const [k, it] of c.items) if (it.whole && !it.private) all.push(k);
  sendHave(c, p, all, []);
}

function sendHave(c: Core, p: Peer, gained: Key[], lost: Key[]): void {
  const g = runs(gained);
  const l = runs(lost);
  for (let i = 0; i < Math.max(g.length, l.length); i += perHave)
    send(c, p, { type: MessageType.Have, gained: g.slice(i, i + perHave), lost: l.slice(i, i + perHave) });
}

/** Books what a neighbour gained and lost. */
export function has(c: Core, p: Peer, m: Have): void {
  for (const r of m.lost)
    for (const k of keysOf(r)) {
      p.haves.delete(k);
      const it = c.items.get(k);
      const s = it && of(it.sources, p);
      if (s) removeSource(c, s);
    }
  for (const r of m.gained)
    for (const k of keysOf(r)) {
      remember(p.haves, k, MaxHaves);
      const it = c.items.get(k);
      if (it && useful(it)) {
        holder(it, p);
        step(c, it);
      }
    }
}

/** Makes a neighbour that said it holds the whole segment a source of it. */
function holder(it: Item, p: Peer): void {
  const s = addSource(it, p);
  if (!s || s.whole) return;
  s.hops = 1;
  s.blocked = false;
  count(s, -1);
  s.whole = true;
  count(s, 1);
}

/** Makes sources of those who said that they hold an item. */
export function findHolders(c: Core, it: Item): void {
  for (const p of c.links) if (p.haves.has(it.key)) holder(it, p);
}
