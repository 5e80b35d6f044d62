import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { bytes, fakeEngines, settled, type Script } from "./fake.ts";
import { attachHls } from "./hls.ts";

const master = `#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=1000,STABLE-VARIANT-ID="low"
low/a.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=2000,STABLE-VARIANT-ID="high"
high/a.m3u8
`;

/** Loader of hls.js 1.7 that notes what it is asked. */
class PlainLoader {
  static asked: any[] = [];
  static texts: Record<string, string> = {};
  context: any = null;
  stats: any = {};
  destroyed = false;
  load(context: any, _config: any, callbacks: any) {
    this.context = context;
    PlainLoader.asked.push(context);
    const data = PlainLoader.texts[context.url];
    if (data) callbacks.onSuccess({ url: context.final ?? context.url, data, code: 200 }, this.stats, context, null);
  }
  abort() {}
  destroy() {
    this.destroyed = true;
  }
}

class Hls {
  static DefaultConfig = { loader: PlainLoader };
  config: any;
  listeners: Record<string, any> = {};
  media: any = { currentTime: 10, buffered: { length: 1, start: () => 0, end: () => 14 }, playbackRate: 1, seeking: false, readyState: 4 };
  constructor(config: any) {
    this.config = { ...Hls.DefaultConfig, ...config };
  }
  on(event: string, listener: any) {
    this.listeners[event] = listener;
  }
  destroy() {}
}

const base = { url: "https://cdn.example/low/a.m3u8" };
const frag = (sn: number | "initSegment", more: object = {}) => ({
  sn, start: 14, duration: 2, url: `https://cdn.example/low/${sn}.m4s`, base, byteRange: [], type: "main", level: 0, ...more,
});
const policy = { loadPolicy: { maxTimeToFirstByteMs: 5000, maxLoadTimeMs: 10000 }, highWaterMark: Infinity };

function stage(answer: Script | Error | "hang", config: object = {}) {
  const made = fakeEngines(() => answer);
  PlainLoader.asked = [];
  PlainLoader.texts = { "https://cdn.example/master.m3u8": master };
  const hls: any = new (attachHls(Hls as any))(config);
  const playlists = new hls.config.pLoader(hls.config);
  playlists.load({ url: "https://cdn.example/master.m3u8", type: "manifest" }, policy, { onSuccess() {} });
  function load(f: any, part: any = null, more: any = {}) {
    const events: any[] = [];
    const s = part ?? f;
    const context = { type: "media-fragment", frag: f, part, url: s.url, headers: {}, rangeStart: s.byteRange[0] ?? 0, rangeEnd: s.byteRange[1] ?? 0, ...more.context };
    const loader = new hls.config.fLoader(hls.config);
    const name = (event: string) => (...args: any[]) => events.push([event, ...args]);
    loader.load(context, { ...policy, ...more.config }, {
      onSuccess: name("success"), onError: name("error"), onAbort: name("abort"), onTimeout: name("timeout"),
      ...(more.progress && { onProgress: name("progress") }),
    });
    return { loader, events, context, done: () => vi.waitFor(() => expect(events.some(([e]) => e != "progress")).toBe(true)) };
  }
  const s = { hls, made, load, engine: () => made[0]!, plain: () => PlainLoader.asked.slice(1) };
  stages.push(s);
  return s;
}
const stages: { hls: any }[] = [];
beforeEach(() => void vi.stubGlobal("HTMLMediaElement", { HAVE_FUTURE_DATA: 3 }));
afterEach(() => {
  for (const s of stages.splice(0)) s.hls.destroy();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("hls.js", () => {
  it("gets its segments from the engine", async () => {
    const s = stage({ body: [bytes(1000), bytes(500)] });
    const got = s.load(frag(7));
    await got.done();
    expect(s.engine().options.swarm).toBe("cdn.example/master.m3u8");
    expect(s.engine().requests[0]).toMatchObject({ key: "variant@low/7", url: "https://cdn.example/low/7.m4s", deadline: 4000, duration: 2, urgent: false, credentials: "same-origin" });
    const [, response, stats] = got.events.at(-1);
    expect([response.code, response.data.byteLength, stats.loaded, stats.total]).toEqual([200, 1500, 1500, 1500]);
    expect(s.plain()).toEqual([]);
  });

  it("measures: monotone times, loading as long as bytes arrived", async () => {
    const s = stage({ body: [bytes(1000), 60, bytes(1000)], active: 15 });
    const got = s.load(frag(7));
    await settled();
    expect(got.loader.stats).toMatchObject({ loaded: 1000, total: 2000 });
    const { start, first } = got.loader.stats.loading;
    expect(first).toBeGreaterThanOrEqual(start);
    await got.done();
    const l = got.loader.stats.loading;
    expect(l.start).toBe(start);
    expect(l.first).toBeGreaterThanOrEqual(first);
    expect(l.end - l.first).toBeCloseTo(30, 3);
    expect(got.loader.stats.bwEstimate).toBeCloseTo((2000 * 8000) / 30, -2);
  });

  it.each<[string, any, any, object]>([
    ["a part", frag(7), { index: 3, start: 15, duration: 0.5, url: "https://cdn.example/low/7.3.m4s", byteRange: [], fragment: frag(7) }, { key: "variant@low/7.3" }],
    ["a byte range", frag(8, { byteRange: [100, 300] }), null, { key: "variant@low/8", range: { first: 100, last: 299 } }],
    ["an init segment", frag("initSegment", { url: "https://cdn.example/low/i.mp4?t=1" }), null, { key: "variant@low/init.fd1c9ae0" }],
  ])("names %s", async (_, f, part, want) => {
    const s = stage({ body: [bytes(1)] });
    await s.load(f, part).done();
    const asked = s.engine().requests[0]!;
    if (f.sn == "initSegment") expect(asked.key).toMatch(/^variant@low\/init\.[0-9a-f]{8}$/);
    else expect(asked).toMatchObject(want);
  });

  it("leaves alone what it cannot name", () => {
    const s = stage({ body: [bytes(1)] });
    s.load(frag(7, { base: { url: "https://cdn.example/unknown.m3u8" } }));
    s.load(frag("initSegment", { byteRange: [0, 100] }), null, { context: { rangeEnd: 112 } });
    s.load(frag(7), null, { context: { resetIV: true } });
    expect([s.plain().length, s.engine().requests.length]).toEqual([3, 0]);
  });

  it("does not share init segments that differ in the query only", () => {
    const s = stage({ body: [bytes(1)] });
    const inits = [1, 2].map((n) => frag("initSegment", { url: `https://cdn.example/low/i.mp4?v=${n}` }));
    const fragments = inits.map((initSegment, i) => frag(i, { initSegment }));
    s.hls.listeners.hlsLevelLoaded("", { details: { url: base.url, fragments, live: true, endSN: 1, targetduration: 2, partTarget: 0 } });
    s.load(inits[0]);
    expect(s.plain().length).toBe(1);
  });

  it("knows a playlist again behind redirects and directives", async () => {
    const s = stage({ body: [bytes(1)] });
    const at = "https://cdn.example/high/a.m3u8";
    PlainLoader.texts[at + "?_HLS_msn=8"] = "#EXTM3U";
    new s.hls.config.pLoader(s.hls.config).load({ url: at + "?_HLS_msn=8", type: "level", final: "https://edge.example/x/a.m3u8?_HLS_msn=8" }, policy, { onSuccess() {} });
    await s.load(frag(7, { base: { url: "https://edge.example/x/a.m3u8?_HLS_msn=9" } })).done();
    expect(s.engine().requests[0]!.key).toBe("variant@high/7");
  });

  it("plans listed segments with URLs and coming ones by number", async () => {
    const s = stage({ body: [bytes(1)] });
    const details = (endSN: number) => ({
      url: base.url, live: true, endSN, targetduration: 2, partTarget: 0,
      fragments: [7, 8, 9, 10].map((n) => frag(n, { start: 2 * n })).filter((f) => (f.sn as number) <= endSN),
    });
    s.hls.listeners.hlsLevelLoaded("", { details: details(8) });
    await new Promise((done) => setTimeout(done, 20));
    s.hls.listeners.hlsLevelLoaded("", { details: details(9) });
    await s.load(frag(7)).done();
    const plan = s.engine().plans.get("variant@low")!;
    expect(plan.map((p) => p.key)).toEqual([8, 9, 10, 11, 12, 13].map((n) => `variant@low/${n}`));
    expect(plan.map((p) => p.url)).toEqual(["https://cdn.example/low/8.m4s", "https://cdn.example/low/9.m4s", undefined, undefined, undefined, undefined]);
    expect(plan.slice(0, 2).map((p) => [p.availableIn, p.dueIn])).toEqual([[0, 6000], [0, 8000]]);
    expect(plan[2]!.availableIn).toBeGreaterThan(1900);
    expect(plan[2]!.availableIn).toBeLessThanOrEqual(2000);
    expect(plan[2]!.dueIn).toBe(10000);
    // The other way round what is on its way would be let go of, and begin again.
    expect(s.engine().calls).toEqual(["variant@low/7", "plan variant@low"]);
  });

  it("plans parts when it plays parts", async () => {
    const s = stage({ body: [bytes(1)] });
    const eight = frag(8, { start: 16 });
    const parts = [0, 1, 2].map((index) => ({ index, start: 16 + index / 2, duration: 0.5, url: `https://cdn.example/low/8.${index}.m4s`, byteRange: [], fragment: eight }));
    const details = (endSN: number) => ({ url: base.url, live: true, endSN, targetduration: 2, partTarget: 0.5, fragments: [frag(7)], partList: parts });
    s.hls.listeners.hlsLevelLoaded("", { details: details(6) });
    s.hls.listeners.hlsLevelLoaded("", { details: details(7) });
    await s.load(eight, parts[1]).done();
    const plan = s.engine().plans.get("variant@low")!;
    expect(plan.slice(0, 4).map((p) => p.key)).toEqual(["variant@low/8.2", "variant@low/8.3", "variant@low/9.0", "variant@low/9.1"]);
  });

  it.each<[string, Script | Error]>([
    ["at once", new Error("worker gone")],
    ["half way", { body: [bytes(10), new Error("worker gone")], size: 20 }],
  ])("asks plainly when the engine fails %s", async (_, answer) => {
    const s = stage(answer);
    const got = s.load(frag(7));
    await vi.waitFor(() => expect(s.plain().length).toBe(1));
    expect(s.plain()[0]).toBe(got.context);
    expect(got.loader.stats.loading.start).toBe(0); // hls.js's loader begins anew, with our stats
    expect(got.events).toEqual([]);
  });

  it("streams where hls.js does", async () => {
    const s = stage({ body: [bytes(100), bytes(100), bytes(50)] });
    const got = s.load(frag(7), null, { progress: true, config: { highWaterMark: 150 } });
    await got.done();
    expect(got.events.map(([e, a, , c]) => (e == "progress" ? c.byteLength : a.data.byteLength))).toEqual([200, 50, 0]);
  });

  it("gives an origin's error", async () => {
    const s = stage({ status: 403, body: [bytes(1)] });
    const got = s.load(frag(7));
    await got.done();
    expect(got.events[0].slice(0, 2)).toEqual(["error", { code: 403, text: "" }]);
  });

  it("gives an origin's refusal as the engine tells it", async () => {
    const s = stage(Object.assign(new Error("gone for good"), { status: 410, headers: new Headers(), url: "u" }));
    const got = s.load(frag(7));
    await got.done();
    expect(got.events[0].slice(0, 2)).toEqual(["error", { code: 410, text: "gone for good" }]);
    expect(s.plain()).toEqual([]);
  });

  it("honours the load policy's time-outs", async () => {
    vi.useFakeTimers();
    const first = stage("hang");
    const a = first.load(frag(7), null, { config: { loadPolicy: { maxTimeToFirstByteMs: 50, maxLoadTimeMs: 10000 } } });
    await vi.advanceTimersByTimeAsync(51);
    expect(a.events.map(([e]) => e)).toEqual(["timeout"]);
    first.hls.destroy(); // its engine would be shared
    const second = stage({ body: [bytes(10), "hang"], size: 20 });
    const b = second.load(frag(7), null, { config: { loadPolicy: { maxTimeToFirstByteMs: 50, maxLoadTimeMs: 90 } } });
    await vi.advanceTimersByTimeAsync(80);
    expect(b.events).toEqual([]);
    await vi.advanceTimersByTimeAsync(20);
    expect(b.events.map(([e]) => e)).toEqual(["timeout"]);
    expect(second.plain()).toEqual([]);
  });

  it("aborts once, and is quiet when destroyed", async () => {
    const s = stage({ body: [bytes(10), "hang"], size: 20 });
    const a = s.load(frag(7));
    await settled();
    a.loader.abort();
    a.loader.abort();
    a.loader.destroy();
    expect(a.events.map(([e]) => e)).toEqual(["abort"]);
    expect(a.loader.stats.aborted).toBe(true);
    const b = s.load(frag(8));
    await settled();
    b.loader.destroy();
    await settled();
    expect([b.events, s.plain(), s.engine().aborted]).toEqual([[], [], 2]);
  });

  it("asks the origin as the page's xhrSetup would", async () => {
    const s = stage({ body: [bytes(1)] }, {
      xhrSetup(xhr: any, url: string) {
        xhr.setRequestHeader("Authorization", "Bearer 1"); // throws before open(), as in hls.js
        xhr.withCredentials = true;
        expect(url).toMatch(/7\.m4s$/);
      },
    });
    await s.load(frag(7)).done();
    expect(s.engine().requests[0]).toMatchObject({ headers: { Authorization: "Bearer 1" }, credentials: "include" });
    const failing = stage({ body: [bytes(1)] }, { xhrSetup: () => Promise.reject(new Error("no token")) });
    failing.load(frag(7));
    await vi.waitFor(() => expect(failing.plain().length).toBe(1));
  });
});
