// A player's start: what it needs at once comes from the origin, past the worker, which is
// given the bytes when it runs. So peers never delay the first picture.
import type { EngineError, SegmentReply, SegmentRequest } from "./engine.ts";
import { concat } from "./segments/bytes.ts";
import { contentLength } from "./segments/origin.ts";

/** Fetches a segment as a plain player would. `whole` gets the bytes when all are here. */
export async function direct(request: SegmentRequest, whole: (bytes: Uint8Array, headers: Headers) => void): Promise<SegmentReply> {
  const { url, range, credentials, signal } = request;
  const headers = { ...request.headers, ...(range && { Range: `bytes=${range.first}-${range.last}` }) };
  const answer = await fetch(url, { headers, signal: signal ?? null, ...(credentials && { credentials }) }).catch((error) => {
    throw signal?.aborted ? signal.reason : engineError(String(error), 0, [], url);
  });
  const { status } = answer;
  // An origin that ignores Range is the worker's to cope with: the player asks plainly.
  if (!answer.body || status !== (range ? 206 : 200)) {
    void answer.body?.cancel();
    throw engineError(`${url} answers ${status}`, answer.ok ? 0 : status, [...answer.headers], answer.url);
  }
  const parts: Uint8Array[] = [];
  let [loaded, active, last] = [0, 0, performance.now()];
  const body = answer.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(bytes, out) {
        const now = performance.now();
        active += now - last;
        last = now;
        loaded += bytes.length;
        parts.push(bytes);
        out.enqueue(bytes);
      },
      flush() {
        reply.size = loaded;
        whole(concat(parts), answer.headers);
      },
    }),
  );
  const reply: SegmentReply = {
    status, headers: answer.headers, url: answer.url, size: contentLength(answer), body, hit: false,
    sources: () => ({ memory: 0, disk: 0, peer: 0, origin: loaded }),
    peers: () => ({}),
    activeTime: () => active,
  };
  return reply;
}

export function engineError(message: string, status: number, headers: [string, string][], url: string): EngineError {
  return Object.assign(new Error("shoal: " + message), { status, headers: new Headers(headers), url });
}
