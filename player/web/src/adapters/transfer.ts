// One segment from the engine to a player's loader.
import type { EngineError, SegmentReply, SegmentRequest } from "../engine.ts";
import type { Session } from "./session.ts";

/**
 * An engine that brings nothing for this long, in milliseconds, is given up and the origin
 * asked plainly: as long as the player can wait, within these bounds. The engine itself
 * asks the origin in time; this is for an engine that is dead.
 */
const leastPatience = 4000;
const mostPatience = 8000;

/** The engine did not deliver; nothing is wrong with the request, ask the origin plainly. */
export class EngineFailure extends Error {}

/** The origin refused: the player is told so, and need not ask again to hear it. */
export class OriginError extends Error {
  readonly status: number;
  readonly headers: Headers;
  readonly url: string;
  constructor({ message, status, headers, url }: EngineError) {
    super(message);
    this.status = status;
    this.headers = headers;
    this.url = url;
  }
}

/**
 * Asks the session's engine. `head` is called once, then `chunk` with each piece of the body.
 * Rejects with request.signal's reason when that aborts, with an OriginError, or with an
 * EngineFailure.
 */
export async function transfer(
  session: Session,
  request: SegmentRequest,
  head: (reply: SegmentReply) => void,
  chunk: (bytes: Uint8Array, reply: SegmentReply) => void,
): Promise<SegmentReply> {
  const engine = session.engine();
  if (!engine) throw new EngineFailure("no engine");
  const stop = new AbortController();
  const outer = request.signal;
  const abort = () => stop.abort(outer?.reason);
  if (outer?.aborted) throw outer.reason;
  outer?.addEventListener("abort", abort);
  const stopped = new Promise<never>((_, reject) => {
    stop.signal.addEventListener("abort", () => reject(stop.signal.reason));
  });
  stopped.catch(() => {});
  let timer: ReturnType<typeof setTimeout> | undefined;
  const patience = Math.min(Math.max(request.deadline, leastPatience), mostPatience);
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => stop.abort(new EngineFailure(`nothing came for ${patience} ms`)), patience);
  };
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  try {
    wait();
    const reply = await Promise.race([engine.request({ ...request, signal: stop.signal }), stopped]);
    head(reply);
    reader = reply.body.getReader();
    for (;;) {
      wait();
      const { done, value } = await Promise.race([reader.read(), stopped]);
      if (done) return reply;
      if (value.length) chunk(value, reply);
    }
  } catch (error) {
    void reader?.cancel(error).catch(() => {});
    if (outer?.aborted) throw outer.reason;
    const { status } = error as EngineError;
    if (status >= 400) throw new OriginError(error as EngineError);
    // With a status of 0 the engine is well: neither peers nor origin had the bytes.
    if (status == undefined) session.failed(error);
    throw error instanceof EngineFailure ? error : new EngineFailure(String(error));
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener("abort", abort);
  }
}

/** Pieces as one buffer of its own. */
export function join(chunks: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(chunks.reduce((sum, c) => sum + c.length, 0));
  let at = 0;
  for (const c of chunks) {
    whole.set(c, at);
    at += c.length;
  }
  return whole;
}

/** "first-last" of an MPD, or "bytes=first-last" of a header. */
export function parseRange(text: string | null | undefined): { first: number; last: number } | undefined {
  const found = /^(?:bytes=)?(\d+)-(\d+)$/.exec(text ?? "");
  return found ? { first: +found[1]!, last: +found[2]! } : undefined;
}
