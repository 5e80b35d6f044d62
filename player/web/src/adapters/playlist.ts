// The segments of a media playlist (RFC 8216bis), for players that keep their numbers to
// themselves. hls.js hands its own to its loader and does not need this.
import { attributesOf } from "./hlsnames.ts";
import { hlsInitKey, rangeText, type Range } from "./key.ts";

export interface Entry {
  key: string;
  url: string;
  range?: Range;
  duration: number;
  /** Seconds from the start of the playlist. */
  start: number;
  part: boolean;
}

export interface MediaPlaylist {
  track: string;
  live: boolean;
  target: number;
  /** Segments and parts in order, parts before the segment that they make up. */
  entries: Entry[];
  /** Init segments by resource. */
  byResource: Map<string, Entry>;
  /** The media sequence number of the next segment, and how many parts of it are listed. */
  next: number;
  nextPart: number;
}

/** How a resource is looked up: its URL without fragment, and its range. */
export const resource = (url: string, range?: Range) => `${url.replace(/#.*$/, "")} ${range ? rangeText(range) : ""}`;

/** More entries than this are not read: a playlist of a day has 43,200 segments of 2 s. */
const maxEntries = 100_000;

export function parsePlaylist(text: string, base: string, track: string): MediaPlaylist {
  const out: MediaPlaylist = { track, live: true, target: 0, entries: [], byResource: new Map(), next: 0, nextPart: 0 };
  let [duration, start, partStart, gap] = [NaN, 0, 0, false];
  /** EXT-X-BYTERANGE and BYTERANGE carry the offset on within one resource. */
  let [carryURL, carry] = ["", 0];
  let pending: string | undefined;
  const rangeOf = (spec: string | undefined, url: string): Range | "lost" | undefined => {
    if (!spec) return undefined;
    const m = /^"?(\d+)(?:@(\d+))?"?$/.exec(spec);
    if (!m || (!m[2] && carryURL != url)) return "lost";
    const first = m[2] ? +m[2] : carry;
    [carryURL, carry] = [url, first + +m[1]!];
    return { first, last: carry - 1 };
  };
  const add = (key: string, url: string, range: Range | "lost" | undefined, at: number, length: number, part: boolean, shared = true) => {
    if (!shared || range == "lost") return;
    const e: Entry = { key: `${track}/${key}`, url, duration: length, start: at, part, ...(range && { range }) };
    out.entries.push(e);
    out.byResource.set(resource(url, range), e);
  };
  for (const raw of text.split(/\r\n|\n|\r/)) {
    const line = raw.trim();
    if (!line || out.entries.length > maxEntries) continue;
    if (line[0] != "#") {
      const url = new URL(line, base).href;
      add(String(out.next), url, rangeOf(pending, url), start, duration || 0, false, !gap);
      start += duration || 0;
      out.next++;
      [duration, pending, gap, partStart, out.nextPart] = [NaN, undefined, false, start, 0];
      continue;
    }
    const [, tag, rest = ""] = /^#(EXTINF|EXT-X-[A-Z0-9-]+)(?::(.*))?$/.exec(line) ?? [];
    if (tag == "EXTINF") duration = parseFloat(rest);
    else if (tag == "EXT-X-TARGETDURATION") out.target = +rest;
    else if (tag == "EXT-X-MEDIA-SEQUENCE") out.next = parseInt(rest) || 0;
    else if (tag == "EXT-X-SKIP") out.next += +attributesOf(rest)["SKIPPED-SEGMENTS"]! || 0;
    else if (tag == "EXT-X-BYTERANGE") pending = rest;
    else if (tag == "EXT-X-GAP") gap = true;
    else if (tag == "EXT-X-ENDLIST") out.live = false;
    else if (tag == "EXT-X-MAP") {
      const { URI, BYTERANGE } = attributesOf(rest);
      const url = new URL(URI ?? "", base);
      const range = rangeOf(BYTERANGE?.includes("@") ? BYTERANGE : BYTERANGE && BYTERANGE + "@0", url.href);
      if (range == "lost") continue;
      out.byResource.set(resource(url.href, range), {
        key: hlsInitKey(track, url.pathname, range), url: url.href, duration: 0, start: 0, part: false, ...(range && { range }),
      });
    } else if (tag == "EXT-X-PART") {
      const { URI, BYTERANGE, DURATION, GAP } = attributesOf(rest);
      const url = new URL(URI ?? "", base).href;
      const length = parseFloat(DURATION ?? "0");
      add(`${out.next}.${out.nextPart++}`, url, rangeOf(BYTERANGE, url), partStart, length, true, GAP != "YES");
      partStart += length;
    }
  }
  return out;
}
