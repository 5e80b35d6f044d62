// Asks the origin for pieces of segments (swarm/node/fetch.go).
import { Cause, EffectType, FetchError, InputType, type Duration, type Fetch, type Key } from "../core/index.ts";
import { equal } from "../segments/bytes.ts";
import { Fault, faultOf, isConflict, SegmentError } from "../segments/errors.ts";
import { fetchOrigin, StatusError, type Head } from "../segments/origin.ts";
import { OriginWriter } from "../segments/originwriter.ts";
import { leafOf, PieceSize, pieceLength } from "../segments/piece.ts";
import { seal, type Meta } from "../segments/segment.ts";
import { distrust } from "./claims.ts";
import type { Node } from "./node.ts";
import { Obj, originRequest, type Resource } from "./object.ts";

/** How long after its availability a 404 of a segment may still mean "not there yet", ms. */
const FreshOrigin = 10_000;

/** Carries out a Fetch. */
export function fetch(n: Node, f: Fetch): void {
  const o = n.objects.get(f.key);
  if (!o && f.cause === Cause.Sample) {
    void sample(n, f);
    return;
  }
  if (!o?.res?.url) {
    n.enqueue({ type: InputType.FetchEnded, fetch: f, bytes: 0, error: FetchError.Cancelled, retryAfter: 0 });
    return;
  }
  void run(n, o, o.res, f);
}

async function run(n: Node, o: Obj, res: Resource, f: Fetch): Promise<void> {
  const cancel = (o.cancel = new AbortController());
  o.touched = performance.now();
  let bytes = 0;
  let failure: unknown;
  try {
    await download(n, o, res, f, cancel.signal, (count) => {
      bytes += count;
      n.tally.origin += count;
    });
  } catch (error) {
    failure = error ?? new Error("cancelled");
  }
  if (o.cancel === cancel) o.cancel = undefined;
  ended(n, o, f, bytes, failure, cancel.signal.aborted);
}

/** Takes in what the page fetched itself, at the player's start. */
export async function provide(n: Node, key: Key, bytes: Uint8Array, meta: Meta): Promise<void> {
  n.tally.origin += bytes.length;
  n.tally.consumed += bytes.length;
  const fetch: Fetch = { type: EffectType.Fetch, key, id: 0, first: 0, count: -1, cause: Cause.Startup };
  n.feed({ type: InputType.FetchEnded, fetch, bytes: bytes.length, error: FetchError.NoError, retryAfter: 0 });
  const o = new Obj(key);
  const a = o.assembly;
  a.setSize(bytes.length);
  const writer = new OriginWriter(a, 0, () => {}, () => {});
  await writer.write(bytes);
  await writer.close();
  n.cfg.events.segment(o);
  if (!meta.shareable || n.objects.has(key)) return;
  await n.cfg.store.put(await seal(key, meta, a.size, a.leaves(), a.pieces(), undefined));
  n.known.add(key);
  n.feed({ type: InputType.Held, key, size: a.size });
}

/** Streams the origin's bytes into the assembly. */
async function download(n: Node, o: Obj, res: Resource, f: Fetch, signal: AbortSignal, received: (count: number) => void): Promise<void> {
  const a = o.assembly;
  const writer = new OriginWriter(
    a,
    f.first,
    (i) => n.gained(o, "", i, 1),
    () => flowing(n, o, ""),
  );
  let written = 0;
  const sink = {
    write(bytes: Uint8Array) {
      written += bytes.length;
      return writer.write(bytes);
    },
  };
  const head = (h: Head) => {
    a.setMeta(h.meta);
    o.answer = h;
    if (!h.meta.shareable) n.feed({ type: InputType.Private, key: f.key });
    if (f.count < 0 && h.size >= 0) a.setSize(f.first * PieceSize + h.size);
    return sink;
  };
  // The brain retries, and asks the neighbours meanwhile.
  await fetchOrigin(originRequest(res, f.first, f.count, a.size, true), head, received, signal);
  // Of a part whose segment's size is unknown, the end would pass for the segment's,
  // unless it came before the part's own.
  if (f.count < 0 || a.size >= 0 || written < f.count * PieceSize) await writer.close();
  if (!a.meta.shareable) throw new SegmentError(Fault.Private, `${f.key}: the origin does not want it shared`);
}

/** Tells the core that the unfinished piece of a segment has grown. */
export function flowing(n: Node, o: Obj, from: string): void {
  if (n.objects.get(o.key) !== o || o.finished) return;
  o.touched = performance.now();
  n.feed({ type: InputType.Flowing, key: o.key, from });
}

function ended(n: Node, o: Obj, f: Fetch, bytes: number, failure: unknown, aborted: boolean): void {
  const [error, retryAfter] = classify(n, failure, o.res, aborted);
  const end = { type: InputType.FetchEnded as const, fetch: f, bytes, error, retryAfter };
  if (isConflict(failure) && !aborted) {
    n.feed(end);
    n.feed({ type: InputType.Conflict, key: f.key, from: "" });
    return;
  }
  if (error === FetchError.Temporary || error === FetchError.Final) {
    o.lastError = failure as Error;
    if (failure instanceof StatusError) o.answer = { status: failure.code, headers: failure.headers, url: failure.url };
  }
  // An empty segment, or one whose end only now became known.
  if (!failure && o.assembly.size >= 0) n.gained(o, "", 0, 0);
  // An answer that brings nothing new must not be asked for again at once.
  if (!failure && f.count > 0 && !o.assembly.piece(f.first)) end.error = FetchError.Temporary;
  n.feed(end);
  n.finish(o);
}

/** Maps a failure to what the brain can do about it. */
function classify(n: Node, failure: unknown, res: Resource | undefined, aborted: boolean): [FetchError, Duration] {
  if (aborted) return [FetchError.Cancelled, 0];
  if (!failure || isConflict(failure)) return [FetchError.NoError, 0];
  if (faultOf(failure) === Fault.Private) return [FetchError.Private, 0];
  if (faultOf(failure) === Fault.TooLarge) return [FetchError.Final, 0];
  if (!(failure instanceof StatusError)) return [FetchError.Temporary, 0];
  const { code } = failure;
  const fresh = code === 404 && res?.available && n.cfg.network.now() - res.available < FreshOrigin;
  const passing = code >= 500 || code === 429 || code === 425 || code === 408;
  return passing || fresh ? [FetchError.Temporary, Math.round(failure.retryAfter * 1e6)] : [FetchError.Final, 0];
}

/** Fetches one piece of a stored segment again and compares. */
async function sample(n: Node, f: Fetch): Promise<void> {
  const res = n.recent.get(f.key);
  const segment = res && (await n.cfg.store.get(f.key));
  const end = { type: InputType.FetchEnded as const, fetch: f, bytes: 0, error: FetchError.Cancelled, retryAfter: 0 };
  if (!res || !segment) return n.enqueue(end);
  const parts: Uint8Array[] = [];
  let status = 0;
  let failure: unknown;
  try {
    const sink = { write: async (b: Uint8Array) => void parts.push(b.slice()) };
    const head = (h: Head) => ((status = h.status), sink);
    const received = (count: number) => {
      end.bytes += count;
      n.tally.origin += count;
    };
    await fetchOrigin(originRequest(res, f.first, f.count, segment.size, false), head, received, new AbortController().signal);
  } catch (error) {
    failure = error;
  }
  [end.error] = classify(n, failure, res, false);
  n.feed(end);
  const piece = new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
  const whole = piece.length === pieceLength(segment.size, f.first);
  if (failure || !status || !whole || equal(await leafOf(piece), segment.leaves[f.first]!)) return;
  n.cfg.events.warning(`${f.key}: the origin has other bytes than the swarm`);
  distrust(n, f.key);
  n.object(f.key).res = res;
  n.feed({ type: InputType.Conflict, key: f.key, from: "" });
}
