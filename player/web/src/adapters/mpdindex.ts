// Finds the segment behind a URL of an MPD, as manifest/dash does: by what the MPD says
// its segments are called, and by the time that the player gives for it.
import type { Range } from "./key.ts";
import { dashTrack } from "./key.ts";
import { expand, keyOf, ladderOf, list, placePeriods, representationName, slotAt, startOf, type Element, type Ladder, type Period, type Slot } from "./mpd.ts";
import { parseMPD } from "./xml.ts";
import { parseRange } from "./transfer.ts";

export interface Found {
  track: string;
  key: string;
  range?: Range;
  ladder?: Ladder;
  slot?: Slot;
  url(s: Slot): string;
}

/** One Representation of one Period. */
interface Row {
  track: string;
  period: Period;
  representation: Element;
  bases: string[];
  ladder?: Ladder;
  initialization?: string;
  initialRange?: Range;
  /** SegmentList's, in order. */
  listed?: { url: string; range?: Range }[];
  /** Addressed by the ranges of a sidx. */
  ranged: boolean;
}

const withoutQuery = (url: string) => url.replace(/[?#].*$/, "");

export class MPDIndex {
  private readonly rows: Row[] = [];
  /** Where the last segments were found: mostly the next one is there too. */
  private recent: Row[] = [];

  constructor(text: string, base: string) {
    const mpd = parseMPD(text);
    const periods = placePeriods(mpd);
    const root = basesOf(mpd, [base]);
    list(mpd["Period"]).forEach((p, period) => {
      const inPeriod = basesOf(p, root);
      list(p["AdaptationSet"]).forEach((s, set) => {
        const inSet = basesOf(s, inPeriod);
        list(s["Representation"]).forEach((representation, index) => {
          const bases = basesOf(representation, inSet);
          const track = dashTrack(periods[period]!.key, representationName(p, set, index));
          const ladder = ladderOf(mpd, { period, set, index }, periods);
          const levels = [p, s, representation];
          const of = (name: string): Element => Object.assign({}, ...levels.map((l) => list(l[name])[0]));
          const source = list(of("SegmentList")["SegmentURL"]);
          const initial = list(of("SegmentBase")["Initialization"] ?? of("SegmentList")["Initialization"])[0];
          const template = of("SegmentTemplate")["initialization"];
          const initialization = template ? expand(String(template), representation) : initial?.["sourceURL"];
          const initialRange = parseRange(initial?.["range"]);
          this.rows.push({
            track, period: periods[period]!, representation, bases,
            ...(ladder && { ladder }),
            ...((template || initial) && { initialization: String(initialization ?? "") }),
            ...(initialRange && { initialRange }),
            ...(ladder && !ladder.media && { listed: source.map((u) => listedOf(u, bases[0]!)) }),
            ranged: !ladder && !of("SegmentTemplate")["media"],
          });
        });
      });
    });
  }

  /** start is the segment's on the presentation timeline, undefined for an init segment. */
  find(uri: string, start: number | undefined, range: Range | undefined): Found | undefined {
    for (const rows of [this.recent, this.rows]) {
      for (const row of rows) {
        const found = start == undefined ? initOf(row, uri, range) : segmentOf(row, uri, start, range);
        if (!found) continue;
        if (!this.recent.includes(row)) this.recent = [row, ...this.recent.slice(0, 3)];
        return found;
      }
    }
    return undefined;
  }
}

function basesOf(e: Element, outer: string[]): string[] {
  const inner = list(e["BaseURL"]).map((b) => String(b["__text"] ?? ""));
  return inner.length ? outer.flatMap((o) => inner.map((i) => new URL(i, o).href)) : outer;
}

function listedOf(u: Element, base: string): { url: string; range?: Range } {
  const range = parseRange(u["mediaRange"]);
  return { url: new URL(String(u["media"] ?? ""), base).href, ...(range && { range }) };
}

const same = (a?: Range, b?: Range) => a?.first == b?.first && a?.last == b?.last;

/** A path of the MPD's at any of its bases; a query that only one side has does not matter. */
function at(row: Row, path: string, uri: string): boolean {
  return row.bases.some((base) => {
    const own = new URL(path, base).href;
    return own == uri || withoutQuery(own) == withoutQuery(uri);
  });
}

function initOf(row: Row, uri: string, range: Range | undefined): Found | undefined {
  if (row.initialization == undefined || !same(range, row.initialRange) || !at(row, row.initialization, uri)) return undefined;
  return { track: row.track, key: row.track + "/init", ...(range && { range }), url: () => uri };
}

function segmentOf(row: Row, uri: string, start: number, range: Range | undefined): Found | undefined {
  const { ladder, track, period } = row;
  if (!ladder) {
    if (!row.ranged || !range || start < period.start - 1e-3 || start >= period.end || !at(row, "", uri)) return undefined;
    return { track, key: `${track}/${range.first}-${range.last}`, range, url: () => uri };
  }
  const slot = slotAt(ladder, start);
  if (!slot || startOf(ladder, slot) >= period.end) return undefined;
  if (row.listed) {
    const first = ladder.runs[0]!.number;
    const own = row.listed[slot.number - first];
    if (!own || withoutQuery(own.url) != withoutQuery(uri) || !same(own.range, range)) return undefined;
    return { track, key: keyOf(ladder, slot), ladder, slot, ...(range && { range }), url: (s) => row.listed![s.number - first]?.url ?? "" };
  }
  if (range || !at(row, expand(ladder.media, row.representation, slot), uri)) return undefined;
  const base = row.bases[0]!;
  return { track, key: keyOf(ladder, slot), ladder, slot, url: (s) => new URL(expand(ladder.media, row.representation, s), base).href };
}
