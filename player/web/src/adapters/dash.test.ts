import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { attachDash } from "./dash.ts";
import { bytes, fakeEngines, settled, type FakeEngine, type Script } from "./fake.ts";
import { parseMPD } from "./xml.ts";

const mpd = parseMPD(`<MPD type="static" mediaPresentationDuration="PT20S"><Period id="p"><AdaptationSet>
  <SegmentTemplate timescale="10" duration="20" startNumber="1" media="v/$Number$.m4s" initialization="v/i.mp4"/>
  <Representation id="v" bandwidth="80000"/></AdaptationSet></Period></MPD>`);
const representation = {
  id: "v", bandwidth: 80000, index: 0, segmentInfoType: "SegmentTemplate", range: null,
  adaptation: { index: 0, period: { index: 0, mpd: { manifest: mpd } } },
};

/** The parts of dash.js 5's player and HTTPLoader that matter here. */
function stage(answer: Script | Error | "hang", options = {}) {
  const made: FakeEngine[] = fakeEngines(() => answer);
  const plain: any[] = [];
  const extensions: Record<string, any> = {};
  const updated: any[] = [];
  const listeners: Record<string, any> = {};
  const video = { currentTime: 1, buffered: { length: 1, start: () => 0, end: () => 3 }, playbackRate: 1, seeking: false, readyState: 4 };
  const attached = attachDash(
    {
      extend(name, extension) {
        const parent = { load: (request: any) => plain.push(request), abort: () => plain.push("abort") };
        extensions[name] = Object.assign(parent, (extension as any).call({ parent }));
      },
      updateSettings: (s) => updated.push(s),
      on: (event, listener) => (listeners[event] = listener),
      off: () => {},
      getVideoElement: () => video as any,
      isDynamic: () => false,
    },
    options,
  );
  function load(r: object, loader = "XHRLoader", more: object = {}) {
    const events: any[] = [];
    const request: any = {
      url: (r as any).url, headers: { Range: "bytes=0-1", "X-Token": "t" }, credentials: "omit", ...more,
      customData: {
        request: r,
        onprogress: (e: any) => events.push({ ...e }),
        onloadend: () => events.push("end"),
        onabort: () => events.push("abort"),
        ontimeout: () => events.push("timeout"),
      },
    };
    const response: any = {};
    extensions[loader].load(request, response);
    return { request, response, events };
  }
  load({ type: "MPD", url: "https://cdn.example/a.mpd" });
  return { attached, made, plain, load, video, updated, extensions, engine: () => made[0]! };
}
const segment = (more: object = {}) => ({
  type: "MediaSegment", url: "https://cdn.example/v/3.m4s", index: 2, startTime: 4, duration: 2, bandwidth: 80000, mediaType: "video", representation, ...more,
});
const done = async (s: { events: any[] }) => {
  await vi.waitFor(() => expect(s.events.some((e) => typeof e == "string")).toBe(true), { timeout: 9000, interval: 5 });
};
let stages: ReturnType<typeof stage>[] = [];
beforeEach(() => void vi.stubGlobal("HTMLMediaElement", { HAVE_FUTURE_DATA: 3 }));
afterEach(() => {
  for (const s of stages.splice(0)) s.attached.close();
  vi.useRealTimers();
});
const on = (...args: Parameters<typeof stage>) => {
  const s = stage(...args);
  stages.push(s);
  return s;
};

describe("dash.js", () => {
  it("gets its segments from the engine, manifests and the rest as ever", async () => {
    const s = on({ body: [bytes(1000), bytes(500)], headers: { "Content-Type": "video/mp4" } });
    expect(s.plain.length).toBe(1); // the manifest
    const got = s.load(segment());
    await done(got);
    expect(s.engine().requests[0]).toMatchObject({
      key: "p/v/3", url: "https://cdn.example/v/3.m4s", deadline: 3000, duration: 2, sizeHint: 20000, urgent: false, growing: false,
      headers: { "X-Token": "t" }, credentials: "omit",
    });
    expect(got.response).toMatchObject({ status: 200, url: "https://cdn.example/v/3.m4s", headers: { "content-type": "video/mp4" } });
    expect(got.response.data.byteLength).toBe(1500);
    for (const type of ["IndexSegment", "other", "license"]) s.load({ type, url: "https://cdn.example/x" });
    s.load(segment({ isPartialSegmentRequest: true }));
    s.load(segment({ representation: undefined }));
    expect(s.plain.length).toBe(6);
    expect(s.engine().requests.length).toBe(1);
  });

  it("measures a transfer by the time in which bytes arrived", async () => {
    const s = on({ body: [bytes(1000), 70, bytes(1000), 70, bytes(1000)], active: 20 });
    const got = s.load(segment());
    await done(got);
    const events = got.events.filter((e) => typeof e == "object");
    expect(events.length).toBeGreaterThanOrEqual(2);
    expect(events[0]).toMatchObject({ loaded: 0, total: 3000, lengthComputable: true });
    expect(events.at(-1)).toMatchObject({ loaded: 3000, total: 3000 });
    // What ThroughputModel of dash.js reckons: all but the first trace.
    const time = events.slice(1).reduce((sum, e) => sum + e.time, 0);
    expect(time).toBeCloseTo(60, 5);
    expect(s.updated[0].streaming.abr.throughput.useResourceTimingApi).toBe(false);
  });

  it("is told at least twice of a single piece", async () => {
    const s = on({ body: [bytes(1000)], active: 12 });
    const got = s.load(segment());
    await done(got);
    expect(got.events.length).toBe(3);
    expect(got.events[1].time).toBe(12);
  });

  it("plans what comes next, with its URL", async () => {
    const s = on({ body: [bytes(1)] });
    await done(s.load(segment({ url: "https://cdn.example/v/3.m4s?token=7" })));
    expect(s.engine().plans.get("p/v")).toMatchObject([
      { key: "p/v/4", url: "https://cdn.example/v/4.m4s?token=7", dueIn: 5000, availableIn: 0, duration: 2 },
      { key: "p/v/5", dueIn: 7000 },
    ]);
    // The other way round what is on its way would be let go of, and begin again.
    expect(s.engine().calls).toEqual(["p/v/3", "plan p/v"]);
    expect(s.engine().playbacks.at(-1)).toMatchObject({ position: 1, live: false });
  });

  it("lets the plan of a quality go that it leaves", async () => {
    const s = on({ body: [bytes(1)] });
    await done(s.load(segment()));
    const other = structuredClone(mpd);
    other["Period"][0]["AdaptationSet"][0]["Representation"][0]["id"] = "w";
    const adaptation = { index: 0, period: { index: 0, mpd: { manifest: other } } };
    await done(s.load(segment({ representation: { ...representation, id: "w", adaptation } })));
    expect(s.engine().plans.get("p/v")).toEqual([]);
    expect(s.engine().plans.get("p/w")!.length).toBeGreaterThan(0);
  });

  it("asks urgently at start-up and after a seek", async () => {
    const s = on({ body: [bytes(1)] });
    s.video.seeking = true;
    await done(s.load(segment()));
    expect(s.engine().requests[0]).toMatchObject({ urgent: true, deadline: 0 });
  });

  it("names init segments, but no guess at one", async () => {
    const s = on({ body: [bytes(1)] });
    await done(s.load({ type: "InitializationSegment", url: "https://cdn.example/v/i.mp4", range: null, representation }));
    expect(s.engine().requests[0]).toMatchObject({ key: "p/v/init", deadline: 0 });
    s.load({ type: "InitializationSegment", url: "https://cdn.example/v/i.mp4", range: "0-1500", representation });
    expect(s.plain.length).toBe(2);
  });

  it.each<[string, Script | Error]>([
    ["at once", new Error("worker gone")],
    ["half way", { body: [bytes(10), new Error("worker gone")], size: 20 }],
  ])("asks plainly when the engine fails %s, and leaves it alone then", async (_, answer) => {
    const s = on(answer);
    const got = s.load(segment());
    await vi.waitFor(() => expect(s.plain.length).toBe(2));
    expect(s.plain[1]).toBe(got.request);
    expect(got.events.filter((e) => typeof e == "string")).toEqual([]);
    s.load(segment());
    expect(s.plain.length).toBe(3);
    expect(s.engine().requests.length).toBe(1);
  });

  it("does not wait for an engine that hangs", async () => {
    vi.useFakeTimers();
    const s = on("hang");
    s.load(segment());
    await vi.advanceTimersByTimeAsync(3999);
    expect(s.plain.length).toBe(1);
    await vi.advanceTimersByTimeAsync(2);
    expect(s.plain.length).toBe(2);
    expect(s.engine().aborted).toBe(1);
  });

  it("passes an origin's error on", async () => {
    const s = on({ status: 404, body: [bytes(3)] });
    const got = s.load(segment());
    await done(got);
    expect(got.response.status).toBe(404);
  });

  it("passes an origin's refusal on as the engine tells it, and goes on with the engine", async () => {
    const refusal = Object.assign(new Error("no"), { status: 410, headers: new Headers({ "X-Why": "old" }), url: "https://edge.example/v/3.m4s" });
    const s = on(refusal);
    const got = s.load(segment());
    await done(got);
    expect(got.response).toMatchObject({ status: 410, url: "https://edge.example/v/3.m4s", headers: { "x-why": "old" } });
    s.load(segment());
    await settled();
    expect([s.plain.length, s.engine().requests.length]).toEqual([1, 2]);
  });

  it("asks plainly once when neither peers nor origin had it", async () => {
    const s = on(Object.assign(new Error("unreachable"), { status: 0, headers: new Headers(), url: "" }));
    s.load(segment());
    await vi.waitFor(() => expect(s.plain.length).toBe(2));
    s.load(segment());
    expect(s.engine().requests.length).toBe(2);
  });

  it("aborts at once, and once", async () => {
    const s = on({ body: [bytes(10), "hang"], size: 20 });
    const got = s.load(segment());
    await settled();
    got.request.customData.onloadend = got.request.customData.onprogress = undefined; // as HTTPLoader.abort does
    got.request.customData.abort();
    expect(got.events.filter((e) => typeof e == "string")).toEqual(["abort"]);
    await settled();
    got.request.customData.abort();
    expect(got.events.filter((e) => typeof e == "string")).toEqual(["abort"]);
    expect([s.engine().aborted, s.plain.length]).toEqual([1, 1]);
  });

  it("keeps to dash.js's time-out", async () => {
    const s = on({ body: [bytes(10), "hang"], size: 20 });
    const got = s.load(segment(), "XHRLoader", { timeout: 30 });
    await done(got);
    expect(got.events.slice(-2)).toEqual(["timeout", "end"]);
    expect(got.response.status).toBeUndefined();
  });

  describe("with low latency", () => {
    const box = (type: string, size: number) => {
      const b = bytes(size, 0);
      new DataView(b.buffer).setUint32(0, size);
      b.set([...type].map((c) => c.charCodeAt(0)), 4);
      return b;
    };
    const whole = [box("moof", 20), box("mdat", 80), box("moof", 20), box("mdat", 60)];
    const joined = new Uint8Array(180);
    whole.reduce((at, b) => (joined.set(b, at), at + b.length), 0);

    it("is fed whole fragments as they come, and the time they took", async () => {
      const cuts = [joined.slice(0, 50), joined.slice(50, 130), joined.slice(130)];
      const s = on({ body: cuts, size: -1, active: 7 });
      const got = s.load(segment(), "FetchLoader");
      await done(got);
      expect(s.engine().requests[0]!.growing).toBe(true);
      const data = got.events.filter((e) => e.data);
      expect(data.map((e) => [e.data.byteLength, e.noTrace])).toEqual([[100, true], [80, true]]);
      expect(got.events.at(-2)).toMatchObject({ loaded: 180, total: 180, lengthComputable: true, time: 21 });
      expect(got.response.data.byteLength).toBe(0);
    });

    it("fails like a broken transfer once something was played", async () => {
      const s = on({ body: [joined.slice(0, 120), new Error("gone")], size: -1 });
      const got = s.load(segment(), "FetchLoader");
      await done(got);
      expect([got.events.at(-1), got.response.data, s.plain.length]).toEqual(["end", undefined, 1]);
    });
  });
});
