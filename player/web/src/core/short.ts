// What a swarm that uploads less than it watches leaves to the origin (swarm/short.go).
import type { Core } from "./core.ts";
import { hunt } from "./explore.ts";
import type { Item } from "./item.ts";
import { MaxTracks } from "./limits.ts";
import type { Track } from "./subscribe.ts";

/** The weight of the latest segment in what a track is short of. */
const shortStep = 0.3;
/**
 * Left to the origin besides, so that what neighbours are asked for first is complete by
 * then and has no holes.
 */
const shortSpare = 0.1;
/** How much less is left to the origin after a segment that came in time. */
const shortEase = 0.1;

/** What was learnt of an item's track. */
export function learnt(c: Core, { track }: Item): Track {
  let t = c.tracks.get(track);
  if (!t) {
    if (c.tracks.size >= MaxTracks) c.tracks.clear(); // periods end; what still plays is learnt again
    c.tracks.set(track, (t = { hops: 0, parents: [], until: 0, short: 0 }));
  }
  return t;
}

/**
 * Books that the origin had to be asked for a part of a segment, because neighbours would
 * have brought it too late; live, it looks for a better one.
 */
export function fellShort(c: Core, it: Item): void {
  if (it.short || it.n <= 0) return;
  it.short = true;
  if (it.need.available > 0) hunt(c);
  const t = learnt(c, it);
  t.short += shortStep * (Math.min(1, (it.n - it.held) / it.n + shortSpare) - t.short);
}

/** Books that it had not. */
export function inTime(c: Core, it: Item): void {
  const t = c.tracks.get(it.track);
  if (t && !it.short) t.short = Math.max(0, t.short - shortEase);
}

/**
 * How many pieces from the first on neighbours are asked for before all others. Where a
 * swarm uploads less than it watches, each peer has to get the rest from the origin: in
 * one stretch at the end, not in a hundred holes.
 */
export const front = (c: Core, it: Item): number =>
  it.n - Math.floor((c.tracks.get(it.track)?.short ?? 0) * it.n);
