import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { bytes, fakeEngines, settled, type Script } from "./fake.ts";
import { attachShaka } from "./shaka.ts";

const mpd = `<?xml version="1.0"?><MPD type="static" mediaPresentationDuration="PT20S"><Period id="p"><AdaptationSet>
  <SegmentTemplate timescale="10" duration="20" startNumber="1" media="v/$Number$.m4s" initialization="v/i.mp4"/>
  <Representation id="v" bandwidth="80000"/></AdaptationSet></Period></MPD>`;

class ShakaError extends Error {
  static Severity = { RECOVERABLE: 1 };
  static Category = { NETWORK: 1 };
  static Code = { BAD_HTTP_STATUS: 1001, HTTP_ERROR: 1002, TIMEOUT: 1003, OPERATION_ABORTED: 7001 };
  code: number;
  data: unknown[];
  constructor(_severity: number, _category: number, code: number, ...data: unknown[]) {
    super(String(code));
    [this.code, this.data] = [code, data];
  }
}
class AbortableOperation {
  promise: Promise<any>;
  abort: () => Promise<void>;
  constructor(promise: Promise<any>, abort: () => Promise<void>) {
    [this.promise, this.abort] = [promise, abort];
  }
}

function stage(answer: Script | Error | "hang", manifest = mpd, url = "https://cdn.example/a.mpd") {
  const made = fakeEngines(() => answer);
  const schemes: Record<string, any> = {};
  const plain: string[] = [];
  const filters: any = {};
  const shaka = {
    net: {
      NetworkingEngine: {
        RequestType: { MANIFEST: 0, SEGMENT: 1, LICENSE: 2 },
        PluginPriority: { APPLICATION: 4 },
        registerScheme: (scheme: string, plugin: any) => (schemes[scheme] = plugin),
      },
      HttpFetchPlugin: { parse: (uri: string) => (plain.push(uri), new AbortableOperation(Promise.resolve("plain"), () => Promise.resolve())) },
    },
    util: { Error: ShakaError, AbortableOperation },
  };
  let live = false;
  const media = { currentTime: 1, buffered: { length: 1, start: () => 0, end: () => 3 }, playbackRate: 1, seeking: false, readyState: 4 };
  const player = {
    getNetworkingEngine: () => ({
      registerRequestFilter: (f: any) => (filters.request = f), registerResponseFilter: (f: any) => (filters.response = f),
      unregisterRequestFilter() {}, unregisterResponseFilter() {},
    }),
    getMediaElement: () => media,
    isLive: () => live,
  };
  const attached = attachShaka(shaka, player, {});
  stages.push(attached);
  const request = (uri: string, more: object = {}) => ({ uris: [uri], method: "GET", headers: {} as Record<string, string>, allowCrossSiteCredentials: false, retryParameters: { timeout: 0 }, ...more });
  filters.request(0, request(url));
  const arrived = (at: string, text: string) => filters.response(0, { uri: at, originalUri: at, data: new TextEncoder().encode(text) });
  arrived(url, manifest);
  const reference = (uri: string, start: number, end: number, range?: [number, number | null]) => ({
    getUris: () => [uri], getStartTime: () => start, getEndTime: () => end, getStartByte: () => range?.[0] ?? 0, getEndByte: () => range?.[1] ?? null,
  });
  function load(uri: string, segment?: object, type = 1, more: object = {}) {
    const r = request(uri + "?CMCD=x", more);
    if (!segment) r.uris = [uri];
    filters.request(type, r, { stream: { type: "video" }, segment });
    const progress: number[][] = [];
    const heads: object[] = [];
    const operation = schemes["https"](r.uris[0], r, type, (...p: number[]) => progress.push(p), (h: object) => heads.push(h), { minBytesForProgressEvents: 0 });
    operation.promise.catch(() => {});
    return { operation, progress, heads, request: r };
  }
  return { made, plain, load, reference, arrived, filters, setLive: () => (live = true), engine: () => made[0]! };
}
const stages: { close(): void }[] = [];
beforeEach(() => void vi.stubGlobal("HTMLMediaElement", { HAVE_FUTURE_DATA: 3 }));
afterEach(() => {
  for (const s of stages.splice(0)) s.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("Shaka", () => {
  it("gets its segments from the engine", async () => {
    const s = stage({ body: [bytes(1000), bytes(500)], headers: { "Content-Type": "video/mp4" }, active: 20 });
    const got = s.load("https://cdn.example/v/3.m4s", s.reference("https://cdn.example/v/3.m4s", 4, 6));
    const response = await got.operation.promise;
    expect(response).toMatchObject({ uri: "https://cdn.example/v/3.m4s?CMCD=x", status: 200, fromCache: false, headers: { "content-type": "video/mp4" } });
    expect(response.data.byteLength).toBe(1500);
    expect(s.engine().options.swarm).toBe("cdn.example/a.mpd");
    expect(s.engine().requests[0]).toMatchObject({ key: "p/v/3", deadline: 3000, duration: 2, url: "https://cdn.example/v/3.m4s?CMCD=x" });
    expect([0, 1].map((i) => got.progress.reduce((sum, p) => sum + p[i]!, 0))).toEqual([40, 1500]);
    expect(got.heads.length).toBe(1);
    expect(s.engine().plans.get("p/v")).toMatchObject([{ key: "p/v/4", url: "https://cdn.example/v/4.m4s", dueIn: 5000, availableIn: 0 }, { key: "p/v/5" }]);
    // The other way round what is on its way would be let go of, and begin again.
    expect(s.engine().calls).toEqual(["p/v/3", "plan p/v"]);
  });

  it("answers what was held as from a cache, without a measurement", async () => {
    const s = stage({ body: [bytes(1000)], hit: true });
    const got = s.load("https://cdn.example/v/3.m4s", s.reference("https://cdn.example/v/3.m4s", 4, 6));
    expect((await got.operation.promise).fromCache).toBe(true);
    expect(got.progress).toEqual([]);
  });

  it("tells progress in real milliseconds", async () => {
    const s = stage({ body: [bytes(1000), 120, bytes(1000), 120, bytes(500)], active: 30 });
    const got = s.load("https://cdn.example/v/3.m4s", s.reference("https://cdn.example/v/3.m4s", 4, 6));
    await got.operation.promise;
    const sum = got.progress.reduce((sum, [ms]) => sum + ms!, 0);
    expect(sum).toBeGreaterThanOrEqual(90);
    expect(sum).toBeLessThanOrEqual(90 + got.progress.length); // a millisecond at least, each
    expect(got.progress.reduce((sum, [, n]) => sum + n!, 0)).toBe(2500);
    expect(got.progress.at(-1)![2]).toBe(0);
  });

  it("names init segments and leaves the rest alone", async () => {
    const s = stage({ body: [bytes(1)] });
    await s.load("https://cdn.example/v/i.mp4").operation.promise;
    expect(s.engine().requests[0]).toMatchObject({ key: "p/v/init" });
    s.load("https://cdn.example/license", undefined, 2);
    s.load("https://cdn.example/other.mp4", s.reference("https://cdn.example/other.mp4", 4, 6));
    s.load("https://cdn.example/v/3.m4s", s.reference("https://cdn.example/v/3.m4s", 4, 6), 1, { method: "HEAD" });
    expect([s.plain.length, s.engine().requests.length]).toEqual([3, 1]);
  });

  it("reads HLS playlists as they pass", async () => {
    const s = stage({ body: [bytes(1)] }, `#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,STABLE-VARIANT-ID="x"\nv.m3u8\n`, "https://cdn.example/m.m3u8");
    s.setLive();
    s.arrived("https://cdn.example/v.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-MAP:URI=\"i.mp4\"\n#EXTINF:2,\na.m4s\n#EXTINF:2,\nb.m4s\n");
    const url = "https://cdn.example/a.m4s";
    await s.load(url, s.reference(url, 16, 18)).operation.promise;
    await s.load("https://cdn.example/i.mp4").operation.promise;
    expect(s.engine().requests.map((r) => r.key)).toEqual(["variant@x/7", expect.stringMatching(/^variant@x\/init\.[0-9a-f]{8}$/)]);
    const plan = s.engine().plans.get("variant@x")!;
    // The newest segment asked for ends at 18 s: 8 ends 2 s later.
    expect(plan.map((p) => [p.key, Math.round(p.availableIn), p.url])).toEqual([
      ["variant@x/8", 2000, "https://cdn.example/b.m4s"], ["variant@x/9", 4000, undefined], ["variant@x/10", 6000, undefined], ["variant@x/11", 8000, undefined],
    ]);
  });

  it.each<[string, Script | Error]>([
    ["at once", new Error("gone")],
    ["half way", { body: [bytes(10), new Error("gone")], size: 20 }],
  ])("asks plainly when the engine fails %s", async (_, answer) => {
    const s = stage(answer);
    const got = s.load("https://cdn.example/v/3.m4s", s.reference("https://cdn.example/v/3.m4s", 4, 6));
    expect(await got.operation.promise).toBe("plain");
  });

  it("gives errors as Shaka knows them", async () => {
    const s = stage({ status: 404, body: [bytes(3, 65)] });
    const got = s.load("https://cdn.example/v/3.m4s", s.reference("https://cdn.example/v/3.m4s", 4, 6));
    await expect(got.operation.promise).rejects.toMatchObject({ code: 1001, data: ["https://cdn.example/v/3.m4s?CMCD=x", 404, "AAA", {}, 1, "https://cdn.example/v/3.m4s?CMCD=x"] });
  });

  it("gives an origin's refusal as the engine tells it", async () => {
    const s = stage(Object.assign(new Error("x"), { status: 410, headers: new Headers(), url: "u" }));
    const got = s.load("https://cdn.example/v/3.m4s", s.reference("https://cdn.example/v/3.m4s", 4, 6));
    await expect(got.operation.promise).rejects.toMatchObject({ code: 1001, data: [expect.anything(), 410, "", {}, 1, "u"] });
    expect(s.plain).toEqual([]);
  });

  it("aborts and times out", async () => {
    const s = stage({ body: [bytes(10), "hang"], size: 20 });
    const url = "https://cdn.example/v/3.m4s";
    const a = s.load(url, s.reference(url, 4, 6));
    await settled();
    await a.operation.abort();
    await expect(a.operation.promise).rejects.toMatchObject({ code: 7001 });
    const b = s.load(url, s.reference(url, 4, 6), 1, { retryParameters: { timeout: 20 } });
    await expect(b.operation.promise).rejects.toMatchObject({ code: 1003 });
    expect([s.plain, s.engine().aborted]).toEqual([[], 2]);
  });

  it("feeds a growing segment in order", async () => {
    const s = stage({ body: [bytes(1, 1), bytes(1, 2), bytes(1, 3)], size: -1 });
    const fed: number[] = [];
    const url = "https://cdn.example/v/3.m4s";
    const got = s.load(url, s.reference(url, 4, 6), 1, {
      streamDataCallback: async (b: Uint8Array) => {
        await new Promise((done) => setTimeout(done, 5 - b[0]!));
        fed.push(b[0]!);
      },
    });
    await got.operation.promise;
    expect(fed).toEqual([1, 2, 3]);
    expect(s.engine().requests[0]!.growing).toBe(true);
  });
});
