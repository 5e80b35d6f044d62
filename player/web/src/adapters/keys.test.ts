// Names must be those that Go gives: testdata/keys.json is written by the Go test TestKeys
// (cmd/shoal/internal/browser) from the same manifests.
import { describe, expect, it } from "vitest";
import { nameOf, upcoming } from "./dash.ts";
import { trackNames, mainTrack, playlistURL } from "./hlsnames.ts";
import { component, keyFault, resourceKey } from "./key.ts";
import { expand, following, keyOf, ladderOf, list, placePeriods, slotAt, startOf, type Element } from "./mpd.ts";
import { MPDIndex } from "./mpdindex.ts";
import { parsePlaylist, resource } from "./playlist.ts";
import { swarmID } from "./swarmid.ts";
import { parseMPD } from "./xml.ts";

interface Segment {
  key: string;
  url?: string;
  range?: { First: number; Last: number };
  start: number;
  duration: number;
}
interface Track {
  key: string;
  playlist?: string;
  bandwidth?: number;
  init?: Segment;
  segments: Segment[];
  predicted?: Segment[];
}
interface Manifest {
  url: string;
  documents: Record<string, string>;
  tracks: Track[];
}
const file: { swarms: [string, string][]; resources: [string, string][]; manifests: Manifest[] } = JSON.parse(
  import.meta.glob<string>("../../testdata/keys.json", { query: "?raw", import: "default", eager: true })["../../testdata/keys.json"]!,
);
const range = (s: Segment) => s.range && { first: s.range.First, last: s.range.Last };

describe("names", () => {
  it.each(file.swarms)("swarm of %s", (url, swarm) => expect(swarmID(url)).toBe(swarm));
  it.each(file.resources)("key of %s", (url, key) => expect(resourceKey(url)).toBe(key));
  it("are never longer or wilder than the protocol allows", () => {
    expect(component("a/b c%ä@:~!*'()")).toBe("a%2Fb%20c%25%C3%A4@:~%21%2A%27%28%29");
    expect(component("")).toBe("_");
    expect(keyFault("a/" + "b".repeat(510))).toBe("");
    expect(keyFault("a/" + "b".repeat(511))).not.toBe("");
    for (const bad of ["", "a", "/a", "a/ä", "a/b c"]) expect(keyFault(bad)).not.toBe("");
  });
  it("of a swarm come from http only", () => expect(() => swarmID("file:///a.mpd")).toThrow(/http/));
});

const mpds = file.manifests.filter((m) => m.url.endsWith(".mpd"));

/** Segment Sequences (S@k), of which dash.js does not tell the part, and files without an index: played plainly. */
const unnamed = /^(p\/v|main\/t1)$/;

describe.each(mpds.map((m) => [m.url.replace("http://cdn.test/", ""), m] as const))("%s", (_, m) => {
  const text = m.documents[m.url]!;
  const index = new MPDIndex(text, m.url);

  it("is read as Go reads it, by a URL and its time", () => {
    let compared = 0;
    for (const t of m.tracks.filter((t) => !unnamed.test(t.key))) {
      if (t.init?.url) expect(index.find(t.init.url, undefined, range(t.init))?.key, t.init.url).toMatch(/\/init$/);
      for (const s of t.segments) {
        expect(index.find(s.url! + (s.url!.includes("?") ? "&" : "?") + "CMCD=bl%3D1&token=x", s.start, range(s))?.key, s.key).toBe(s.key);
        compared++;
      }
    }
    if (!m.url.includes("patch-live")) expect(compared).toBeGreaterThan(0);
  });

  it("is foretold as Go foretells it", () => {
    for (const t of m.tracks) {
      const last = t.segments[t.segments.length - 1];
      if (!t.predicted?.length || !last || unnamed.test(t.key)) continue;
      const found = index.find(last.url!, last.start, range(last))!;
      const next = following(found.ladder!, found.slot!);
      for (const p of t.predicted) {
        const s = next.next().value!;
        expect([keyOf(found.ladder!, s), found.url(s)], t.key).toEqual([p.key, p.url]);
        expect(startOf(found.ladder!, s)).toBeCloseTo(p.start, 4);
        expect(s.length / found.ladder!.timescale).toBeCloseTo(p.duration, 6);
      }
    }
  });

  it("is named alike through dash.js's requests", () => {
    const mpd = parseMPD(text);
    let compared = 0;
    for (const { request, want } of dashRequests(mpd, m.tracks)) {
      const named = nameOf(request);
      expect(named?.key, want.url).toBe(want.key);
      compared++;
    }
    if (!m.url.includes("patch-live")) expect(compared).toBeGreaterThan(0);
  });
});

/** FragmentRequests as dash.js 5.2.1 makes them (DashHandler, SegmentsUtils). */
function* dashRequests(mpd: Element, tracks: Track[]): Generator<{ request: any; want: Segment; after: Segment[] }> {
  const periods = placePeriods(mpd);
  for (const [p, period] of list(mpd["Period"]).entries()) {
    for (const [a, set] of list(period["AdaptationSet"]).entries()) {
      for (const [r, rep] of list(set["Representation"]).entries()) {
        const ladder = ladderOf(mpd, { period: p, set: a, index: r }, periods);
        const track = ladder && tracks.find((t) => t.key == ladder.track);
        if (!track) continue;
        const representation = {
          id: rep["id"], bandwidth: rep["bandwidth"], index: r, segmentInfoType: "SegmentTemplate", range: null as string | null,
          adaptation: { index: a, period: { index: p, mpd: { manifest: mpd } } },
        };
        const about = { representation, url: "" };
        const want = track.init;
        if (want) {
          const range = want.range ? `${want.range.First}-${want.range.Last}` : null;
          yield { request: { ...about, type: "InitializationSegment", range, representation: { ...representation, range } }, want, after: [] };
        }
        for (const [i, s] of track.segments.entries()) {
          const first = ladder.runs[0]!;
          const shift = ladder.media ? 0 : Math.max(first.number - 1, 0);
          yield {
            want: s,
            after: [...track.segments.slice(i + 1), ...(track.predicted ?? [])],
            request: {
              ...about, type: "MediaSegment", url: s.url, startTime: s.start, duration: s.duration, mediaType: "video",
              index: Math.round((s.start - ladder.period.start) / s.duration) + shift,
              range: s.range ? `${s.range.First}-${s.range.Last}` : undefined,
              availabilityStartTime: new Date(0), availabilityTimeComplete: true, bandwidth: rep["bandwidth"],
            },
          };
        }
      }
    }
  }
}

describe("dash.js plans", () => {
  const head = { live: true, position: 0, rate: 1, starved: false };
  it.each(["live/manifest.mpd", "live/timeline.mpd", "livesim-timeline.mpd"])("what Go predicts of %s, with URLs", (name) => {
    const m = mpds.find((m) => m.url.endsWith(name))!;
    let planned = 0;
    for (const { request, want, after } of dashRequests(parseMPD(m.documents[m.url]!), m.tracks)) {
      if (request.type != "MediaSegment") continue;
      const r = { ...request, url: want.url + "&token=1", availabilityStartTime: new Date(1e12) };
      const list = upcoming(r, nameOf(r)!, { url: r.url + "&CMCD=x", headers: { Range: "x", "CMCD-Object": "y", Authorization: "z" }, customData: { request: r } }, 8000, 1e12, { ...head, position: want.start });
      expect(list.length).toBeGreaterThan(2);
      for (const [i, p] of list.entries()) {
        if (!after[i]) break;
        expect([p.key, p.url]).toEqual([after[i]!.key, after[i]!.url + "&token=1"]);
        expect(p.headers).toEqual({ Authorization: "z" });
        expect(p.availableIn).toBeCloseTo((after[i]!.start + after[i]!.duration - want.start - want.duration) * 1000, 0);
        expect(p.dueIn).toBeCloseTo((after[i]!.start - want.start) * 1000, 0);
        planned++;
      }
    }
    expect(planned).toBeGreaterThan(20);
  });
});

const playlists = file.manifests.filter((m) => /\.m3u8/.test(m.url));

describe.each(playlists.map((m) => [m.url.replace("http://cdn.test/", ""), m] as const))("%s", (_, m) => {
  const names = trackNames(m.documents[m.url]!, m.url);

  it("has the tracks that Go names", () => {
    const want = new Map(m.tracks.map((t) => [t.playlist!, t.key]));
    if (!names) expect(want).toEqual(new Map([[m.url, mainTrack]]));
    else expect(new Map([...names])).toEqual(want);
  });

  // EXT-X-DEFINE in media playlists is read by hls.js itself, not by ours.
  it.skipIf(m.url.includes("define"))("has the segments, parts and init segments that Go names", () => {
    for (const t of m.tracks) {
      const text = m.documents[t.playlist!];
      if (!text) continue;
      const p = parsePlaylist(text, t.playlist!, t.key);
      const want = new Map(t.segments.map((s) => [s.key, [s.url, range(s)]]));
      expect(new Map(p.entries.map((e) => [e.key, [e.url, e.range]]))).toEqual(want);
      for (const s of [...t.segments, ...(t.init ? [t.init] : [])]) {
        if (p.byResource.get(resource(s.url!, range(s)))?.key != s.key) {
          // One resource listed twice has two names; the later one is found.
          expect(t.segments.filter((o) => o.url == s.url && JSON.stringify(o.range) == JSON.stringify(s.range)).length).toBeGreaterThan(1);
        }
      }
    }
  });
});

describe("playlist addresses", () => {
  it.each([
    ["https://a/b.m3u8?_HLS_msn=3&_HLS_part=1", "https://a/b.m3u8"],
    ["https://a/b.m3u8?t=1&_HLS_msn=3&u=2#x", "https://a/b.m3u8?t=1&u=2"],
    ["https://a/b.m3u8?_HLS_skip=YES&t=1", "https://a/b.m3u8?t=1"],
    ["https://a/b.m3u8", "https://a/b.m3u8"],
  ])("%s", (given, want) => expect(playlistURL(given)).toBe(want));
});

it("fills in templates", () => {
  const s = { number: 7, time: 900, length: 1 };
  expect(expand("$$-$RepresentationID$/$Number%05d$_$Time$-$Bandwidth%04d$.m4s", { id: "a", bandwidth: 12 }, s)).toBe("$-a/00007_900-0012.m4s");
  expect(slotAt({ track: "t", period: { key: "p", start: 0, end: 9 }, timescale: 1, offset: 0, media: "", runs: [], byTime: false, uniform: false, grows: false }, 3)).toBeUndefined();
});
