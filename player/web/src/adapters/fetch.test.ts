import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { askPage, eligible } from "../sw.ts";
import { bytes, fakeEngines, settled, type FakeEngine, type Script } from "./fake.ts";
import { makeFetch, shareable } from "./fetch.ts";
import { answerServiceWorker } from "./serviceworker.ts";

let plain: Request[] = [];
let origin: () => Response | Promise<Response>;
beforeEach(() => {
  plain = [];
  origin = () => new Response(bytes(6, 9));
  vi.stubGlobal("fetch", async (input: RequestInfo, init?: RequestInit) => {
    plain.push(new Request(input, init));
    return origin();
  });
});
afterEach(() => vi.unstubAllGlobals());

let swarms = 0;
function stage(answer: Script | Error | "hang"): { get: typeof fetch; made: FakeEngine[] } {
  const made = fakeEngines(() => answer);
  return { get: makeFetch(() => ({ swarm: "site" + swarms++ })), made };
}
const url = "https://cdn.example/a.js";

describe("fetch", () => {
  it("gives a Response", async () => {
    const { get, made } = stage({ body: [bytes(3, 1), bytes(2, 2)], headers: { "Content-Type": "text/javascript" } });
    const response = await get(url);
    expect([response.ok, response.status, response.url, response.headers.get("content-type")]).toEqual([true, 200, url, "text/javascript"]);
    expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([1, 1, 1, 2, 2]);
    expect(made[0]!.requests[0]!.key).toMatch(/^url\/[0-9a-f]{56}$/);
    expect(plain).toEqual([]);
  });

  it("reads JSON, clones, streams, and says what was held", async () => {
    const { get } = stage({ body: [new TextEncoder().encode('{"a":'), new TextEncoder().encode("1}")], hit: true });
    const response = await get(new Request(url));
    expect(response.headers.get("cache-status")).toBe("shoal; hit");
    const copy = response.clone();
    expect([await response.json(), await copy.text()]).toEqual([{ a: 1 }, '{"a":1}']);
  });

  it("asks for a range as a resource of its own", async () => {
    const { get, made } = stage({ status: 206, body: [bytes(5)] });
    const response = await get(url, { headers: { Range: "bytes=10-14" } });
    expect([response.status, response.headers.get("content-range")]).toEqual([206, "bytes 10-14/*"]);
    expect(made[0]!.requests[0]).toMatchObject({ key: expect.stringMatching(/^url\/[0-9a-f]{56}\/10-14$/), range: { first: 10, last: 14 }, headers: {} });
  });

  it.each<[string, string, RequestInit]>([
    ["POST", url, { method: "POST", body: "x" }],
    ["HEAD", url, { method: "HEAD" }],
    ["credentials", url, { credentials: "include" }],
    ["authorisation", url, { headers: { Authorization: "Basic x" } }],
    ["a header of the page's own", url, { headers: { "X-User": "1" } }],
    ["an open range", url, { headers: { Range: "bytes=5-" } }],
    ["several ranges", url, { headers: { Range: "bytes=0-1,4-5" } }],
    ["reload", url, { cache: "reload" }],
    ["no-store", url, { cache: "no-store" }],
    ["integrity", url, { integrity: "sha256-x" }],
    ["no-cors", url, { mode: "no-cors" }],
    ["a data URL", "data:text/plain,a", {}],
  ])("goes past the engine: %s", async (_, at, init) => {
    const { get, made } = stage({ body: [] });
    expect(shareable(new Request(at, init))).toBeUndefined();
    await get(at, init);
    expect([plain.length, made.length]).toEqual([1, 0]);
  });

  it("answers plainly when the engine fails at once", async () => {
    const { get } = stage(new Error("gone"));
    expect((await (await get(url)).arrayBuffer()).byteLength).toBe(6);
  });

  it("lets the origin answer itself when it refuses", async () => {
    origin = () => new Response("no such thing", { status: 404 });
    const response = await stage(Object.assign(new Error("x"), { status: 404, headers: new Headers(), url })).get(url);
    expect([response.status, await response.text()]).toEqual([404, "no such thing"]);
  });

  it("goes on plainly where the engine broke off", async () => {
    origin = () => new Response(Uint8Array.from([1, 2, 3, 4, 5, 6]));
    const { get } = stage({ body: [Uint8Array.from([1, 2]), new Error("gone")], size: 6 });
    expect([...new Uint8Array(await (await get(url)).arrayBuffer())]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("fails as fetch does when the origin fails too", async () => {
    origin = () => Promise.reject(new TypeError("offline"));
    await expect(stage(new Error("gone")).get(url)).rejects.toThrow("offline");
    const { get } = stage({ body: [bytes(2), new Error("gone")], size: 6 });
    await expect((await get(url)).arrayBuffer()).rejects.toThrow("offline");
  });

  it("obeys an AbortSignal, before and during", async () => {
    const { get, made } = stage({ body: [bytes(2), "hang"], size: 6 });
    await expect(get(url, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
    const stop = new AbortController();
    const response = await get(url, { signal: stop.signal });
    const reading = response.arrayBuffer();
    await settled();
    stop.abort();
    await expect(reading).rejects.toMatchObject({ name: "AbortError" });
    expect(made[0]!.aborted).toBe(1);
    expect(plain).toEqual([]);
  });

  it("stops the transfer when the body is given up", async () => {
    const { get, made } = stage({ body: [bytes(2), "hang"], size: 6 });
    await (await get(url)).body!.cancel();
    await settled();
    expect(made[0]!.aborted).toBe(1);
  });

  it("gives the origin's errors and empty answers", async () => {
    expect((await stage({ status: 404 }).get(url)).status).toBe(404);
    expect((await stage({ status: 204 }).get(url)).body).toBeNull();
  });
});

describe("the service worker", () => {
  const share = [/\/assets\//g];
  it("touches what the site shares, and nothing else", () => {
    const at = (path: string, more: object = {}) =>
      eligible({ url: "https://a.example" + path, method: "GET", destination: "image", cache: "default", integrity: "", ...more } as Request, share);
    expect([at("/assets/a.png"), at("/assets/a.png"), at("/assets/a.js", { destination: "script" })]).toEqual([true, true, true]);
    expect([at("/a.png"), at("/assets/a", { method: "POST" }), at("/assets/a", { integrity: "sha256-x" })]).toEqual([false, false, false]);
    // What the page or its workers fetch would come back to the page for ever.
    expect([at("/assets/a", { destination: "" }), at("/assets/a", { destination: "document" })]).toEqual([false, false]);
  });

  /** A page that answers through get, as navigator.serviceWorker and Client see it. */
  function page(get: typeof fetch) {
    const container = new EventTarget() as any;
    const end = answerServiceWorker(get, container);
    const client = { postMessage: (data: unknown, ports: any) => container.dispatchEvent(Object.assign(new Event("message"), { data, ports })) };
    return { client, end };
  }

  it("answers from the page", async () => {
    const { get, made } = stage({ body: [bytes(3, 1), bytes(2, 2)], headers: { "Content-Type": "image/png" } });
    const { client, end } = page(get);
    const response = (await askPage(client, new Request("https://a.example/assets/a.png", { headers: { "X-Own": "1" } }), 1000))!;
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "image/png"]);
    expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([1, 1, 1, 2, 2]);
    expect(made[0]!.requests[0]).toMatchObject({ credentials: "omit", headers: {} });
    end();
  });

  it("gives up a page that is silent, refuses or fails, and tells it so", async () => {
    const { get, made } = stage("hang");
    const silent = page(get);
    expect(await askPage(silent.client, new Request("https://a.example/assets/a"), 30)).toBeUndefined();
    await settled();
    await settled();
    expect(made[0]!.aborted).toBe(1);
    for (const answer of [{ status: 404 }, { status: 500 }]) expect(await askPage(page(stage(answer).get).client, new Request("https://a.example/assets/a"), 1000)).toBeUndefined();
    expect(await askPage(page(() => Promise.reject(new Error("x"))).client, new Request("https://a.example/assets/a"), 1000)).toBeUndefined();
  });

  it("breaks off where the page does", async () => {
    origin = () => Promise.reject(new TypeError("offline"));
    const { client } = page(stage({ body: [bytes(2), new Error("gone")], size: 6 }).get);
    const response = (await askPage(client, new Request("https://a.example/assets/a"), 1000))!;
    await expect(response.arrayBuffer()).rejects.toThrow(/offline/);
  });
});
