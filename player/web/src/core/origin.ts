// Fetches from the origin, their failures, and lies that it uncovers (swarm/origin.go).
import { judge } from "./audit.ts";
import { type Core, note, send } from "./core.ts";
import { Cause, EffectType, own } from "./effect.ts";
import { type BadPiece, type Conflict, type FetchEnded, FetchError, type Private } from "./input.ts";
import { type Gap, type Item, forget, lacking, missing, of, open, reset, spanned, useful } from "./item.ts";
import { lowest, words } from "./bitset.ts";
import { remove } from "./limits.ts";
import { MessageType } from "./message.ts";
import { lead } from "./elect.ts";
import { hunt } from "./explore.ts";
import { cancelInbound, promise } from "./offer.ts";
import { failed, originBack } from "./outage.ts";
import { ban, byDeadline } from "./peer.ts";
import { mark, removeReservation } from "./reserve.ts";
import { fellShort } from "./short.ts";
import { ask, busy, dropSources, inflow, release, removeSource, unask } from "./source.ts";
import { type Duration, millisecond, second } from "./time.ts";
import { Reason } from "./timer.ts";
import { cancelOutbound } from "./upload.ts";
import { interrupt, step } from "./want.ts";

/**
 * How many segments are brought in for the swarm at a time: more would share one
 * line, and the one due first would come last.
 */
export const maxElected = 3;
/** How long after its availability a segment may not be there yet. */
export const freshFor = 500 * millisecond;
const firstRetry = 100 * millisecond;
export const lastRetry = 5 * second;
/** A seed tries again sooner: everybody else waits for it. */
const seedRetry = second;

/**
 * Asks the origin for what is missing, the longest stretch of it first, and takes that back
 * from the sources that would have brought it too late, unless it is a race.
 */
export function fetchMissing(c: Core, it: Item, cause: Cause): void {
  const hole = longest(it, open) ?? longest(it, lacking);
  if (!hole) return;
  if (cause === Cause.Deadline) fellShort(c, it);
  if (cause !== Cause.Hedge) takeBack(c, it, hole);
  startFetch(c, it, hole, cause);
}

/**
 * How many pieces between two holes are asked for with them: a request of its own for the
 * second hole would cost more time than they.
 */
const gapWorth = 2;

/** A stretch of a set of pieces, and how many of them are in it. */
export interface Stretch extends Gap {
  missing: number;
}

/** A set of pieces, those that are at most gapWorth apart in one stretch. */
export function stretches(it: Item, some: (it: Item, w: number) => number): Stretch[] {
  const found: Stretch[] = [];
  if (it.n < 0) {
    const g = spanned(it, some);
    return g ? [{ ...g, missing: 1 }] : found;
  }
  let s: Stretch | undefined;
  for (let w = it.prefix >> 5; w < words(it.n); w++)
    for (let m = some(it, w); m; m &= m - 1) {
      const i = w * 32 + lowest(m);
      if (!s || i - (s.first + s.count) > gapWorth) found.push((s = { first: i, count: 0, missing: 0 }));
      s.count = i + 1 - s.first;
      s.missing++;
    }
  return found;
}

/** The stretch with most pieces of the set. */
const longest = (it: Item, some: (it: Item, w: number) => number): Gap | undefined =>
  stretches(it, some).reduce<Stretch | undefined>((a, b) => (a && a.missing >= b.missing ? a : b), undefined);

/** No longer expects of neighbours what the origin was asked for. */
function takeBack(c: Core, it: Item, { first, count }: Gap): void {
  if (count < 0 || (first <= it.prefix && first + count >= it.n)) return cancelInbound(c, it);
  for (const s of it.sources) {
    if (s.slices) {
      send(c, s.peer, { type: MessageType.Cancel, key: it.key });
      release(s);
      continue;
    }
    const before = s.waiting;
    judge(c, s);
    for (let i = first; i < first + count; i++) unask(s, i);
    if (s.waiting < before) ask(c, s);
  }
}

/**
 * The part of a segment, 1/hedgeShare, that the origin may be asked for while neighbours
 * are still sending it. So at most an eighth of a segment comes twice for it.
 */
const hedgeShare = 8;

/**
 * Whether what is missing at the last moment is a tail, short enough to let the origin
 * race the neighbours that owe it.
 */
export function hedges(it: Item): boolean {
  const hole = missing(it);
  return !!hole && hole.count >= 0 && hole.count * hedgeShare <= it.n && inflow(it);
}

export function startFetch(c: Core, it: Item, { first, count }: Gap, cause: Cause): void {
  if (!it.sure) count = -1; // where it ends is hearsay, and the edge would not know a last piece by its length
  it.fetching = true;
  c.fetches++;
  it.fetch = { type: EffectType.Fetch, key: it.key, id: ++c.fetchID, first, count, cause };
  it.fetchAt = c.now;
  if (it.hops < 0 || !it.sender.length) it.hops = 0;
  if (cause === Cause.Elected && it.need.available <= 0 && c.links.length) hunt(c);
  it.seeded ||= __SEEDS__ && c.cfg.seed;
  if (own(cause)) c.owning++;
  if (__EXPLAIN__) c.counters.fetches[cause]!++;
  if (__EXPLAIN__) note(c, `fetch ${it.key} pieces ${first}+${count}: cause ${cause}`);
  c.emit(it.fetch);
  promise(c, it);
}

/** Puts an elected segment behind those that are being fetched. */
export function wait(c: Core, it: Item): void {
  if (!c.waiting.includes(it)) c.waiting.push(it);
}

/** Lets the most urgent waiting segment have its turn. */
export function endFetch(c: Core, it: Item): void {
  it.fetching = false;
  c.fetches--;
  if (own(it.fetch!.cause) && !--c.owning) c.timers.set(c.refill, c.now, Reason.Upload);
  while (c.waiting.length && c.fetches < maxElected) {
    const next = c.waiting.reduce((a, b) => (byDeadline(a, b) <= 0 ? a : b));
    remove(c.waiting, next);
    if (next !== it && c.items.get(next.key) === next && useful(next)) step(c, next);
  }
}

/** Books what left the origin and decides what a failure means. */
export function fetchEnded(c: Core, f: FetchEnded): void {
  const it = c.items.get(f.fetch.key);
  const { cause } = f.fetch;
  const { originBytes } = c.counters;
  if (__EXPLAIN__) note(c, `fetched ${f.fetch.key}: ${f.bytes} bytes, cause ${cause}, error ${f.error}`);
  originBytes[cause]! += f.bytes;
  if (!it) return;
  if (!it.fetching || f.fetch.id !== it.fetch.id) return forget(c, it); // a sample, or cancelled before
  endFetch(c, it);
  switch (f.error) {
    case FetchError.NoError:
      // The time in which the origin was still making it is not its delay.
      if (it.fetch.count < 0 && !it.fetch.first)
        c.origin.add(Math.max(0, c.now - Math.max(it.fetchAt, it.need.whole)));
      it.failures = 0;
      originBack(c);
      if (useful(it) && cause !== Cause.Sample && !it.held && it.size) retryLater(c, it, f.retryAfter);
      break;
    case FetchError.Private:
      originBytes[cause]! -= f.bytes;
      originBytes[Cause.NotShareable]! += f.bytes;
      keepPrivate(c, it);
      it.wanted = false;
      break;
    case FetchError.Cancelled: // the edge could not even try
      it.need.fetchable = false;
      break;
    default:
      if (__EXPLAIN__) c.counters.fetchErrors++;
      it.dead = f.error === FetchError.Final;
      failed(c, it, f.error);
      retryLater(c, it, f.retryAfter);
      starve(c, it);
  }
  step(c, it);
  giveUp(c, it, f.error);
}

/**
 * Waits 100 ms × 2^n, jittered to between a half and the whole of it, at most 5 s,
 * and at least what the origin asked for. The pause ends at the last moment before
 * the deadline at the latest: an origin that has recovered by then must not be found
 * out after it.
 */
function retryLater(c: Core, it: Item, asked: Duration): void {
  let d = Math.min(firstRetry * 2 ** Math.min(it.failures, 10), __SEEDS__ && c.cfg.seed ? seedRetry : lastRetry);
  const half = Math.trunc(d / 2);
  d = half + Math.trunc(c.cfg.random() * half);
  const left = it.need.deadline - lead(c, it) - c.now;
  if (left > 0) d = Math.min(d, left);
  it.failures++;
  it.asideTill = c.now + asked;
  it.retryAt = Math.max(c.now + d, it.asideTill);
}

/** Tells those who were to receive the segment from here to look elsewhere. */
function starve(c: Core, it: Item): void {
  if (inflow(it)) return;
  cancelOutbound(c, it);
  for (const r of it.reserved) r.told = false;
  if (!it.sender.length && !it.held) it.hops = -1;
}

/**
 * Ends the player's request when the origin refuses and no neighbour has the key, as
 * plain HTTP would; the player retries by its own rules. A segment that has just
 * become available is asked for again in any case: clocks agree to a few milliseconds
 * at best, and the first request may have come too early.
 */
function giveUp(c: Core, it: Item, e: FetchError): void {
  if ((e !== FetchError.Temporary && e !== FetchError.Final) || !it.wanted || !it.need.asked || it.fetching) return;
  if (inflow(it)) return;
  const late = it.need.deadline <= c.now && c.now >= it.need.available + freshFor;
  if (it.dead || late || it.failures > 3) {
    it.need.asked = false;
    c.emit({ type: EffectType.Failed, key: it.key });
  }
}

/** Takes a segment out of the swarm that its origin does not want shared. */
export function keepPrivate(c: Core, { key }: Pick<Private, "key">): void {
  const it = c.items.get(key);
  if (!it || it.private) return;
  it.private = true;
  cancelOutbound(c, it);
  while (it.reserved[0]) removeReservation(it, it.reserved[0]);
  c.changed.delete(key);
}

/**
 * Fetches one piece of an unsigned segment from the origin again, so that peers who
 * agree on a lie are found out.
 */
export function sample(c: Core, it: Item): void {
  const { n } = it;
  if (c.cfg.signed || !it.sender.length || !it.need.fetchable || n <= 0 || it.private) return;
  if (c.cfg.random() >= c.cfg.sampleRate) return;
  const cause = Cause.Sample;
  if (__EXPLAIN__) c.counters.fetches[cause]!++;
  c.emit({ type: EffectType.Fetch, key: it.key, id: ++c.fetchID, first: Math.trunc(c.cfg.random() * n), count: 1, cause });
}

/** Bans a peer whose bytes do not verify. */
export function badPiece(c: Core, { from, key }: Pick<BadPiece, "from" | "key">): void {
  if (c.peers.has(from) || (from && !c.banned.has(from))) ban(c, from, key, "a piece did not verify");
}

/** Settles two claims about one unsigned segment by asking the origin. */
export function conflict(c: Core, x: Conflict): void {
  const it = c.items.get(x.key);
  if (!it) return;
  if (__EXPLAIN__) c.counters.conflicts++;
  const p = c.peers.get(x.from);
  if (p) {
    const s = of(it.sources, p);
    if (s) {
      if (busy(s)) send(c, p, { type: MessageType.Cancel, key: it.key });
      removeSource(c, s);
    }
  }
  if ((it.fetching && it.fetch.cause === Cause.Corrupt) || !it.need.fetchable) return step(c, it);
  const liars = it.sender;
  interrupt(c, it);
  const wanted = it.wanted || it.whole;
  if (it.whole) mark(c, it.key, false);
  dropSources(c, it);
  reset(it);
  it.wanted = wanted;
  c.emit({ type: EffectType.Distrust, key: it.key });
  // the origin itself contradicts what they sent
  if (!x.from) for (const from of liars) badPiece(c, { from, key: it.key });
  if (wanted) startFetch(c, it, { first: 0, count: -1 }, Cause.Corrupt);
  step(c, it);
}
