// A drop-in for fetch(): what a shared cache may keep (RFC 9111 §3) comes through the
// engine, everything else from fetch() itself.
import type { SegmentReply } from "../engine.ts";
import type { Options } from "../options.ts";
import { keyFault, rangeText, resourceKey, type Range } from "./key.ts";
import { Session } from "./session.ts";
import { EngineFailure, OriginError, parseRange, transfer } from "./transfer.ts";

/**
 * Milliseconds until a resource is needed; there is no buffer that runs dry. Whoever is
 * elected asks the origin at once, so that this is not how long anybody waits: with less,
 * everybody would ask for fear of being late.
 */
const patience = 10000;

/** Headers that do not make an answer somebody's own. Any other goes past the engine. */
const harmless = new Set(["accept", "accept-language", "range"]);

/**
 * The key and range of a request that may be shared, undefined for one that may not: other
 * methods than GET, credentials, cookies sent on purpose, a cache mode that wants the origin.
 */
export function shareable(request: Request): { key: string; range?: Range } | undefined {
  const text = request.headers.get("range");
  const range = parseRange(text);
  const plain =
    request.method != "GET" ||
    !/^https?:/.test(request.url) ||
    request.credentials == "include" ||
    request.mode == "no-cors" ||
    request.mode == "navigate" ||
    request.cache != "default" ||
    !!request.integrity ||
    request.redirect != "follow" ||
    (text && !range) ||
    [...request.headers.keys()].some((name) => !harmless.has(name));
  if (plain) return undefined;
  // A range is a resource of its own: nobody need hold the whole of a large file.
  const key = resourceKey(request.url) + (range ? "/" + rangeText(range) : "");
  return keyFault(key) ? undefined : { key, ...(range && { range }) };
}

/** Statuses whose answers have no body (Fetch standard, "null body status"). */
const bodiless = new Set([101, 103, 204, 205, 304]);

/** Makes the drop-in for one site: one swarm for all of its resources. */
export function makeFetch(options?: () => Options): typeof fetch {
  let session: Session | undefined;
  return async (input, init) => {
    const request = new Request(input, init);
    const named = shareable(request);
    if (!named) return fetch(request);
    if (!session) {
      session = new Session(options?.());
      session.open((globalThis.location?.origin ?? new URL(request.url).origin) + "/");
    }
    return session.engine() ? through(session, request, named) : fetch(request);
  };
}

function through(session: Session, request: Request, { key, range }: { key: string; range?: Range }): Promise<Response> {
  request.signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const stop = new AbortController();
    const onAbort = () => stop.abort(request.signal.reason);
    request.signal.addEventListener("abort", onAbort, { once: true });
    let out!: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => void (out = controller),
      cancel: (reason) => stop.abort(reason),
    });
    let loaded = 0;
    const headers = Object.fromEntries([...request.headers].filter(([name]) => name != "range"));
    const asked = { key, url: request.url, headers, credentials: request.credentials, deadline: patience, signal: stop.signal, ...(range && { range }) };
    const head = (reply: SegmentReply) => resolve(responseOf(reply, body, range));
    transfer(session, asked, head, (bytes) => {
      loaded += bytes.length;
      out.enqueue(bytes);
    })
      .then(() => out.close())
      .catch(async (error) => {
        // Of an origin's refusal the engine has no body, which a page may want.
        if (!(error instanceof EngineFailure || error instanceof OriginError)) throw error;
        const response = await fetch(request);
        if (!loaded) return resolve(response);
        await goOn(response, loaded, out, stop.signal);
      })
      .catch((error) => {
        reject(error); // no effect once resolved: then the stream fails
        out.error(error);
      })
      .finally(() => request.signal.removeEventListener("abort", onAbort));
  });
}

function responseOf(reply: SegmentReply, body: ReadableStream<Uint8Array>, range: Range | undefined): Response {
  const headers = new Headers(reply.headers);
  if (range && reply.status == 206 && !headers.has("content-range")) headers.set("content-range", `bytes ${rangeText(range)}/*`);
  if (reply.hit) headers.set("cache-status", "shoal; hit");
  const response = new Response(bodiless.has(reply.status) ? null : body, { status: reply.status, headers });
  Object.defineProperty(response, "url", { value: reply.url });
  return response;
}

/** Continues a body that the engine began: what came already is skipped. */
async function goOn(response: Response, skip: number, out: ReadableStreamDefaultController<Uint8Array>, signal: AbortSignal): Promise<void> {
  if (!response.ok || !response.body) throw new TypeError(`shoal: ${response.url} answers ${response.status} where it answered before`);
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    signal.throwIfAborted();
    if (done) return out.close();
    const rest = value.subarray(Math.min(skip, value.length));
    skip -= value.length - rest.length;
    if (rest.length) out.enqueue(rest);
  }
}
