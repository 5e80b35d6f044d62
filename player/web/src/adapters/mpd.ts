// What an MPD says of its segments (manifest/dash), read off the object that dash.js
// makes of it: elements by name, attributes as properties, durations in seconds.
// xml.ts makes the same of a document.
import { dashTrack } from "./key.ts";

/** An element. */
export type Element = Record<string, any>;

/** A list of elements; dash.js makes lists of some, objects of others. */
export const list = (e: Element | Element[] | undefined): Element[] => (Array.isArray(e) ? e : e ? [e] : []);

/** A Period on the presentation timeline, in seconds. */
export interface Period {
  /** In keys: Period@id, or @<start in ms>. */
  key: string;
  start: number;
  end: number;
}

/** Milliseconds rounded down, but not because a decimal fraction has no exact double. */
const milliseconds = (seconds: number) => Math.floor(seconds * 1000 + 1e-3);

/** When Periods start and end (ISO/IEC 23009-1 §5.3.2.1), and what keys call them. */
export function placePeriods(mpd: Element): Period[] {
  const periods = list(mpd["Period"]);
  const starts: number[] = [];
  periods.forEach((p, i) => {
    const before = periods[i - 1];
    starts.push(p["start"] ?? (i == 0 ? 0 : (starts[i - 1] ?? NaN) + (before?.["duration"] ?? NaN)));
  });
  let next: number = mpd["mediaPresentationDuration"] ?? NaN;
  const ends: number[] = [];
  for (let i = periods.length - 1; i >= 0; i--) {
    const duration = periods[i]!["duration"] ?? NaN;
    if (isNaN(starts[i]!) && next >= duration) starts[i] = next - duration;
    const end = Math.min(duration > 0 ? starts[i]! + duration : Infinity, next > starts[i]! ? next : Infinity);
    ends[i] = isNaN(end) ? Infinity : end;
    next = starts[i]!;
  }
  const taken = new Set<string>();
  return periods.map((p, i) => {
    const [id, start] = [String(p["id"] ?? ""), starts[i]!];
    let key = id;
    if (!key || taken.has(key)) key += "@" + milliseconds(start);
    for (let n = 2; taken.has(key); n++) key = `${id}@${milliseconds(start)}.${n}`;
    taken.add(key);
    return { key, start, end: ends[i]! };
  });
}

/** A Representation's name within its Period: @id, made unique. */
export function representationName(period: Element, set: number, index: number): string {
  const seen = new Set<string>();
  let name = "";
  list(period["AdaptationSet"]).forEach((s, i) =>
    list(s["Representation"]).forEach((r, j) => {
      let id = String(r["id"] ?? "");
      if (!id || seen.has(id)) id += `@${i}.${j}`;
      seen.add(id);
      if (i == set && j == index) name = id;
    }),
  );
  return name;
}

/** Equal segments in a row, in units of the timescale on the media timeline. */
interface Run {
  time: number;
  length: number;
  /** Infinity: as long as the Period goes on. */
  count: number;
  number: number;
}

/** One place in a ladder. */
export interface Slot {
  time: number;
  length: number;
  number: number;
}

/** The segments of one Representation. */
export interface Ladder {
  track: string;
  period: Period;
  timescale: number;
  /** Media time of the Period's start. */
  offset: number;
  /** SegmentTemplate@media; empty for a SegmentList. */
  media: string;
  runs: Run[];
  /** The segment is named by time, not by number. */
  byTime: boolean;
  /** Addressed by @duration: one run without end. */
  uniform: boolean;
  /** A SegmentTimeline that may be continued. */
  grows: boolean;
}

/** Segment information of one kind, the inner levels' attributes over the outer ones'. */
function inherited(name: string, levels: Element[]): Element | undefined {
  const found = levels.map((l) => list(l[name])[0]).filter((e) => e);
  return found.length ? Object.assign({}, ...found) : undefined;
}

/**
 * The ladder of a Representation with a SegmentTemplate or SegmentList, undefined for one
 * of another kind or one that this does not read (Segment Sequences, S@k, S@n).
 */
export function ladderOf(mpd: Element, at: { period: number; set: number; index: number }, periods = placePeriods(mpd)): Ladder | undefined {
  const p = list(mpd["Period"])[at.period];
  const set = list(p?.["AdaptationSet"])[at.set];
  const representation = list(set?.["Representation"])[at.index];
  const period = periods[at.period];
  if (!p || !set || !representation || !period || isNaN(period.start)) return undefined;
  const levels = [p, set, representation];
  const template = inherited("SegmentTemplate", levels);
  const source = template ?? inherited("SegmentList", levels);
  if (!source) return undefined;
  const live = mpd["type"] == "dynamic";
  const timescale = source["timescale"] || 1;
  const offset = source["presentationTimeOffset"] || 0;
  const start = source["startNumber"] ?? 1;
  const media = String(template?.["media"] ?? "");
  const timeline = list(source["SegmentTimeline"])[0];
  const ladder: Ladder = {
    track: dashTrack(period.key, representationName(p, at.set, at.index)),
    period, timescale, offset, media,
    runs: [],
    byTime: template ? /\$Time(%0\d+d)?\$/.test(media) : live && !!timeline && source["startNumber"] == undefined,
    uniform: !timeline,
    grows: live && !!timeline,
  };
  if (/\$SubNumber/.test(media)) return undefined;
  if (timeline) {
    let [next, number] = [0, start];
    const entries = list(timeline["S"]);
    for (const [i, s] of entries.entries()) {
      if (s["k"] > 1 || s["n"] != undefined) return undefined;
      const time = s["t"] ?? next;
      // Above 2⁵³ a time is no longer exact, and neither would be its key.
      if (s["tManifest"] != undefined || !Number.isSafeInteger(time)) return undefined;
      const length = s["d"];
      if (!(length > 0)) continue;
      let count = (s["r"] ?? 0) + 1;
      if (count < 1) {
        const end = entries[i + 1]?.["t"] ?? (period.end - period.start) * timescale + offset;
        count = end == Infinity ? Infinity : Math.max(Math.ceil((end - time) / length), 1);
      }
      ladder.runs.push({ time, length, count, number });
      next = time + length * count;
      number += count;
    }
  } else if (source["duration"] > 0) {
    // A sliding SegmentList keeps its Period's start: number k starts at (k−1) × duration.
    const shift = !template && live && start > 1 ? (start - 1) * source["duration"] : 0;
    ladder.runs.push({ time: offset + shift, length: source["duration"], count: Infinity, number: start });
  }
  return ladder;
}

/** Seconds on the presentation timeline at which a slot starts. */
export const startOf = (l: Ladder, s: Slot) => l.period.start + (s.time - l.offset) / l.timescale;

export const keyOf = (l: Ladder, s: Slot) => `${l.track}/${l.byTime ? "t" + s.time : s.number}`;

/** The slot that starts at a presentation time, to within a hundredth of its length. */
export function slotAt(l: Ladder, start: number): Slot | undefined {
  const time = (start - l.period.start) * l.timescale + l.offset;
  for (const r of l.runs) {
    const i = Math.round((time - r.time) / r.length);
    if (i >= 0 && i < r.count && Math.abs(r.time + i * r.length - time) <= r.length / 100) {
      return { time: r.time + i * r.length, length: r.length, number: r.number + i };
    }
  }
  return undefined;
}

/** Durations looked at, and the longest cycle looked for, to foretell a SegmentTimeline. */
const tailLength = 64;
const maxCycle = 16;

/**
 * The durations that come after a SegmentTimeline: the shortest cycle that explains its end
 * at least once over (audio frames do not divide a segment: 94, 94, 94, 93), else the last.
 */
function cycle(runs: Run[]): number[] {
  const tail: number[] = [];
  for (let i = runs.length - 1; i >= 0 && tail.length < tailLength; i--) {
    const r = runs[i]!;
    const after = runs[i + 1];
    if (after && r.time + r.length * r.count != after.time) break;
    for (let j = 0; j < r.count && tail.length < tailLength; j++) tail.unshift(r.length);
  }
  for (let n = 1; n <= maxCycle && 2 * n <= tail.length; n++) {
    if (tail.every((d, i) => i < n || d == tail[i - n])) return tail.slice(-n);
  }
  return tail.slice(-1);
}

/** The slots after one that starts at `after`, known and foretold, within the Period. */
export function* following(l: Ladder, after: Slot): Generator<Slot> {
  const within = (s: Slot) => startOf(l, s) < l.period.end - 1e-6;
  let last: Slot = after;
  for (const r of l.runs) {
    let i = Math.max(0, Math.floor((after.time - r.time) / r.length));
    for (; i < r.count; i++) {
      const s = { time: r.time + i * r.length, length: r.length, number: r.number + i };
      if (s.time <= after.time) continue;
      if (!within(s)) return;
      yield (last = s);
    }
    if (r.count > 0 && r.count < Infinity) last = { time: r.time + (r.count - 1) * r.length, length: r.length, number: r.number + r.count - 1 };
  }
  if (!l.grows || !l.runs.length) return;
  const lengths = cycle(l.runs);
  for (let i = 0; ; i++) {
    const s = { time: last.time + last.length, length: lengths[i % lengths.length]!, number: last.number + 1 };
    if (!within(s)) return;
    last = s;
    if (s.time > after.time) yield s;
  }
}

/** Fills in a SegmentTemplate@media or @initialization (§5.3.9.4.4). */
export function expand(template: string, representation: Element, s?: Slot): string {
  return template.replace(/\$(?:(RepresentationID|Number|Time|Bandwidth)(?:%0(\d+)d)?)?\$/g, (_, name, width) => {
    const value = { RepresentationID: representation["id"], Number: s?.number, Time: s?.time, Bandwidth: representation["bandwidth"] }[
      name as string
    ];
    return name ? String(value ?? "").padStart(width ?? 0, "0") : "$";
  });
}
