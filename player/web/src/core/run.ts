// Runs of consecutively numbered keys (swarm/run.go).
import { MaxRun, compare } from "./limits.ts";
import { type Key, type Run, trackOf } from "./message.ts";

/**
 * The plain number at a key's end, if it has one: below 2^63, without leading zeros.
 * Numbers of live streams are often times of day in small units, past 2^53.
 */
function number(key: Key): bigint | undefined {
  const tail = /\/(0|[1-9]\d{0,18})$/.exec(key)?.[1];
  const n = tail === undefined ? -1n : BigInt(tail);
  return n >= 0n && n < 1n << 63n ? n : undefined;
}

/** Sorts keys and joins consecutive numbers of a track; plain numbers come first. */
export function runs(keys: Key[]): Run[] {
  const split = keys.map((key) => ({ key, track: trackOf(key), n: number(key) }));
  split.sort((a, b) =>
    a.n !== undefined && b.n !== undefined
      ? compare(a.track, b.track) || compare(a.n, b.n)
      : +(b.n !== undefined) - +(a.n !== undefined) || compare(a.key, b.key),
  );
  const out: Run[] = [];
  let track = "";
  let next: bigint | undefined;
  for (const k of split) {
    const run = out.at(-1);
    if (run && next !== undefined && k.n === next && k.track === track && run.count < MaxRun) run.count++;
    else out.push({ key: k.key, count: 1 });
    track = k.track;
    next = k.n === undefined ? k.n : k.n + 1n;
  }
  return out;
}

/** A run's keys; a count past MaxRun is cut. */
export function* keysOf(r: Run): Iterable<Key> {
  const n = number(r.key);
  if (n === undefined) yield r.key;
  else for (let i = 0; i < Math.min(r.count, MaxRun); i++) yield `${trackOf(r.key)}/${n + BigInt(i)}`;
}
