// Fetches resources over HTTP (segments/origin.go): retries with jittered back-off,
// and a body that breaks off is resumed by Range.
//
// Unlike Go it sends no If-Range: across origins that field costs a preflight, which
// few CDNs answer. A resumed answer must bear the first one's validator instead.
import { isTextLike } from "./compress.ts";
import { Fault, SegmentError } from "./errors.ts";
import { MaxSegmentSize } from "./piece.ts";
import type { Meta } from "./segment.ts";

export interface OriginRequest {
  url: string;
  headers: Record<string, string> | undefined;
  credentials: RequestCredentials | undefined;
  /** Byte range, inclusive; last -1 is the end. First 0 with last -1 asks for no range. */
  first: number;
  last: number;
  /** Give up after the first attempt that brings nothing: the caller has somebody else to ask. */
  once: boolean;
}

/** What the origin said before the bytes. */
export interface Head {
  status: number;
  /** Of the requested bytes, -1 unknown. */
  size: number;
  meta: Meta;
  headers: Headers;
  /** After redirects. */
  url: string;
}

/** Where the bytes go. */
export interface Sink {
  write(bytes: Uint8Array): Promise<void>;
}

/** An HTTP status that brings no bytes. */
export class StatusError extends Error {
  constructor(
    readonly code: number,
    /** Milliseconds, 0 none. */
    readonly retryAfter: number,
    readonly headers: Headers,
    readonly url: string,
  ) {
    super(`${url.split(/[?#]/)[0]} answers ${code}`);
  }
}

const Retries = 4;
const Backoff = 200;
const MaxBackoff = 5000;
/** Longest Retry-After that is waited for, ms. */
const MaxWait = 5000;
/** How long the origin may send nothing, ms. */
const IdleTimeout = 10_000;
const MaxRetryAfter = 86_400_000;

const transient = (code: number) => code === 408 || code === 425 || code === 429 || (code >= 500 && code !== 501 && code !== 505);

/** Whether Cache-Control lets other viewers have the answer. */
export const shareable = (headers: Headers): boolean =>
  !(headers.get("cache-control") ?? "").split(",").some((d) => /^\s*(private|no-store)\s*(=|$)/i.test(d));

export const metaOf = (headers: Headers): Meta => ({
  contentType: headers.get("content-type") ?? "",
  etag: headers.get("etag") ?? "",
  lastModified: headers.get("last-modified") ?? "",
  shareable: shareable(headers),
});

/** The exact version of an answer, empty if it tells none. */
function validator(h: Headers): string {
  const etag = h.get("etag") ?? "";
  return etag.startsWith('"') ? etag : (h.get("last-modified") ?? "");
}

/** Reads Retry-After in seconds or as a date, relative to the answer's own Date if it is visible. */
function retryAfter(h: Headers): number {
  const field = h.get("retry-after")?.trim() ?? "";
  const date = h.get("date");
  const wait = /^\d+$/.test(field) ? +field * 1000 : Date.parse(field) - (date ? Date.parse(date) : Date.now());
  return Math.min(Math.max(wait || 0, 0), MaxRetryAfter);
}

/** Waits, unless the signal says otherwise. */
function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, ms);
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    function done() {
      signal.removeEventListener("abort", abort);
      resolve();
    }
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}

/** What stays the same over the attempts of one fetch. */
interface Progress {
  request: OriginRequest;
  sink: (head: Head) => Sink | Promise<Sink>;
  received: (n: number) => void;
  signal: AbortSignal;
  to: Sink | undefined;
  written: number;
  /** Of the requested bytes, -1 unknown. */
  size: number;
  validator: string;
  ranges: boolean;
}

/**
 * Streams the requested bytes into what `sink` returns; it is called once, when the
 * answer has come. `received` counts bytes as they leave the origin. Rejects with
 * StatusError, SegmentError (TooLarge, Conflict), the sink's errors, the signal's
 * reason, or the network's TypeError.
 */
export async function fetchOrigin(
  request: OriginRequest,
  sink: (head: Head) => Sink | Promise<Sink>,
  received: (n: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const p: Progress = { request, sink, received, signal, to: undefined, written: 0, size: -1, validator: "", ranges: true };
  for (let attempt = 0; ; attempt++) {
    const before = p.written;
    try {
      return await attemptOnce(p);
    } catch (error) {
      signal.throwIfAborted();
      const status = error instanceof StatusError ? error : undefined;
      const passing = status ? transient(status.code) && status.retryAfter <= MaxWait : !(error instanceof SegmentError);
      const gained = p.written > before;
      const resumable = !p.written || (p.validator && p.ranges);
      if (!passing || !resumable || attempt >= Retries || (request.once && !gained)) throw error;
      const pause = Math.min(MaxBackoff, Backoff * 2 ** attempt) * (0.5 + Math.random());
      await sleep(Math.max(pause, status?.retryAfter ?? 0), signal);
    }
  }
}

async function attemptOnce(p: Progress): Promise<void> {
  const { request, signal } = p;
  const stop = new AbortController();
  const abort = () => stop.abort(signal.reason);
  let idle: ReturnType<typeof setTimeout> | undefined;
  const alive = () => {
    clearTimeout(idle);
    idle = setTimeout(() => stop.abort(new TypeError("origin sends nothing")), IdleTimeout);
  };
  signal.addEventListener("abort", abort);
  alive();
  try {
    const first = request.first + p.written;
    const ranged = first > 0 || request.last >= 0;
    const headers: Record<string, string> = { ...request.headers };
    if (ranged) headers["Range"] = `bytes=${first}-${request.last < 0 ? "" : request.last}`;
    const init: RequestInit = { headers, signal: stop.signal };
    if (request.credentials) init.credentials = request.credentials;
    const answer = await fetch(request.url, init);
    alive();
    await take(p, answer, first, ranged, alive);
  } catch (error) {
    // What aborted a fetch says more than that it was aborted.
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    clearTimeout(idle);
    signal.removeEventListener("abort", abort);
  }
}

async function take(p: Progress, answer: Response, first: number, ranged: boolean, alive: () => void): Promise<void> {
  const { request } = p;
  const { headers, status } = answer;
  if (status !== 200 && status !== 206) {
    answer.body?.cancel().catch(() => {});
    throw new StatusError(status, retryAfter(headers), headers, answer.url);
  }
  // An origin that ignores Range is coped with by skipping.
  let skip = status === 200 && ranged ? first : 0;
  const span = /^bytes (\d+)-(\d+)\/(\d+|\*)$/i.exec(headers.get("content-range") ?? "");
  if (status === 206 && span && +span[1]! !== first)
    throw new SegmentError(Fault.Conflict, `${answer.url}: asked for byte ${first}, got ${span[1]}`);
  const length = contentLength(answer);
  let rest = length < 0 ? -1 : Math.max(length - skip, 0);
  if (request.last >= 0) {
    const most = request.last - first + 1;
    rest = rest < 0 ? (status === 206 && span ? +span[2]! - first + 1 : -1) : Math.min(rest, most);
    // An origin may send less than was asked for: the rest is fetched after it.
    if (span && span[3] !== "*") rest = Math.min(request.last, +span[3]! - 1) - first + 1;
  }
  if (p.written) {
    if (validator(headers) !== p.validator) throw new SegmentError(Fault.Conflict, `${answer.url}: it changed while it was fetched`);
  } else {
    p.size = rest;
    p.validator = validator(headers);
    p.ranges = headers.get("accept-ranges") !== "none";
    if (p.size > MaxSegmentSize) throw new SegmentError(Fault.TooLarge, `${answer.url}: ${p.size} bytes`);
    p.to = await p.sink({ status, size: p.size, meta: metaOf(headers), headers, url: answer.url });
  }
  const end = request.last >= 0 ? request.last - request.first + 1 : MaxSegmentSize + 1;
  const reader = answer.body!.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    alive();
    if (done) break;
    p.received(value.length);
    const dropped = Math.min(skip, value.length);
    skip -= dropped;
    const bytes = value.subarray(dropped, dropped + end - p.written);
    if (!bytes.length && p.written >= end) break;
    p.written += bytes.length;
    if (p.written > MaxSegmentSize) throw new SegmentError(Fault.TooLarge, `${answer.url}: more than ${MaxSegmentSize} bytes`);
    await p.to!.write(bytes);
    if (p.written >= end) break;
  }
  reader.cancel().catch(() => {});
  if (p.size >= 0 && p.written < p.size) throw new TypeError(`${answer.url}: broke off after ${p.written} of ${p.size} bytes`);
}

/**
 * Length of the body, -1 unknown. Content-Length counts the bytes before decoding,
 * and another origin need not tell that they are encoded: of what is usually
 * compressed it says nothing then.
 */
export function contentLength(answer: Response): number {
  const { headers } = answer;
  const field = headers.get("content-length");
  const encoded = headers.get("content-encoding");
  const hidden = answer.type === "cors" && isTextLike(headers.get("content-type") ?? "");
  return field && /^\d+$/.test(field) && (!encoded || encoded === "identity") && !hidden ? +field : -1;
}
