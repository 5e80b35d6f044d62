// For the browser tests: the adapters over an engine that knows the origin only, and
// writes down what it is asked. adapterbundle.mjs makes a script of it.
import { useEngines } from "../adapters/session.ts";
import type { Engine, EngineOptions, PlannedSegment, SegmentReply, SegmentRequest } from "../engine.ts";
import * as api from "../api.ts";

interface Recorded {
  swarms: string[];
  requests: { key: string; url: string; range?: { first: number; last: number }; deadline: number; growing: boolean; status?: number; bytes: number; aborted?: boolean }[];
  planned: Record<string, PlannedSegment>;
  /** Requests from now on fail this way. */
  broken: "" | "reject" | "hang" | "cut";
}
const recorded: Recorded = { swarms: [], requests: [], planned: {}, broken: "" };

class OriginEngine implements Engine {
  private readonly options: EngineOptions;
  constructor(options: EngineOptions) {
    this.options = options;
    recorded.swarms.push(options.swarm);
  }

  async request(r: SegmentRequest): Promise<SegmentReply> {
    const entry: Recorded["requests"][number] = { key: r.key, url: r.url, deadline: r.deadline, growing: !!r.growing, bytes: 0, ...(r.range && { range: r.range }) };
    recorded.requests.push(entry);
    r.signal?.addEventListener("abort", () => (entry.aborted = true));
    if (recorded.broken == "reject") throw new Error("broken for a test");
    if (recorded.broken == "hang") return new Promise(() => {});
    const cut = recorded.broken == "cut";
    const headers = new Headers(r.headers);
    headers.set("X-Engine", "1");
    if (r.range) headers.set("Range", `bytes=${r.range.first}-${r.range.last}`);
    const response = await fetch(r.url, { headers, credentials: r.credentials ?? "omit", ...(r.signal && { signal: r.signal }) });
    entry.status = response.status;
    let active = 0;
    let last = performance.now();
    const measured = new TransformStream<Uint8Array, Uint8Array>({
      transform(bytes, out) {
        const now = performance.now();
        active += now - last;
        last = now;
        entry.bytes += bytes.length;
        out.enqueue(bytes);
        if (cut) out.error(new Error("cut for a test"));
      },
    });
    return {
      status: response.status, headers: response.headers, url: response.url, size: Number(response.headers.get("content-length") ?? -1),
      body: response.body!.pipeThrough(measured), sources: () => ({ memory: 0, disk: 0, peer: 0, origin: entry.bytes }), peers: () => ({}),
      hit: false, activeTime: () => active,
    };
  }
  plan(_track: string, upcoming: PlannedSegment[]): void {
    for (const p of upcoming) recorded.planned[p.key] = p;
  }
  playback(): void {}
  condition(): void {}
  on(): () => void {
    return () => {};
  }
  stats() {
    return {
      swarm: this.options.swarm, peer: "", peers: 0, swarmSize: 0, originBytes: 0, peerBytes: 0, cacheBytes: 0, sentBytes: 0, consumedBytes: 0,
      offload: 0, piecesRejected: 0, banned: 0, integrity: "cross-checked" as const, originByCause: {}, links: [],
    };
  }
  async destroy(): Promise<void> {}
}

useEngines((options) => new OriginEngine(options));
Object.assign(globalThis, { shoal: api, recorded });
