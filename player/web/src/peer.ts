// Makes an engine: starts the worker, and stands for it on the page.
import type {
  Condition, Engine, EngineEvents, EngineOptions, EngineStats, PlannedSegment, SegmentReply, SegmentRequest, Source,
} from "./engine.ts";
import { direct, engineError } from "./direct.ts";
import { unhex } from "./segments/bytes.ts";
import { Connections } from "./rtc/connections.ts";
import { startWorker, type Started } from "./worker/start.ts";
import type { FromWorker, Port, ToWorker, WorkerOptions } from "./worker/messages.ts";

const DefaultMemory = 128 << 20;
/** Longest that a late start waits for the player, ms. */
const StartPatience = 2000;

/** Everything is allowed. */
const allowed: Condition = { signalling: true, links: true, metered: false, uploadMax: 0, silent: false };

/** Starts a peer of one swarm. It begins to work at once, and says what happens by events. */
export function createEngine(options: EngineOptions): Engine {
  return new PageEngine(options);
}

/** A request whose reply is being read. */
interface Pending {
  resolve(reply: SegmentReply): void;
  reject(error: unknown): void;
  body: ReadableStreamDefaultController<Uint8Array> | undefined;
  reply: SegmentReply | undefined;
  sources: Record<Source, number>;
  peers: Record<string, number>;
  active: number;
  /** Takes the abort listener away. */
  done(): void;
}

class PageEngine implements Engine {
  private readonly options: EngineOptions;
  private port: Promise<Started> | undefined;
  private later: ReturnType<typeof setTimeout> | undefined;
  private live: Port | undefined;
  /** Until the worker runs. */
  private waiting: [ToWorker, Transferable[]][] = [];
  private readonly pending = new Map<number, Pending>();
  private readonly listeners = new Map<keyof EngineEvents, Set<(detail: never) => void>>();
  private readonly connections: Connections;
  private lastId = 0;
  private allow: Condition;
  private snapshot: EngineStats;
  private destroyed: Promise<void> | undefined;
  private readonly leave = (e: PageTransitionEvent) => e.persisted || this.connections.stop();

  constructor(o: EngineOptions) {
    this.options = o;
    this.allow = { ...allowed, ...o.condition };
    this.snapshot = {
      swarm: o.swarm, peer: "", peers: 0, swarmSize: 0, originBytes: 0, peerBytes: 0, cacheBytes: 0, sentBytes: 0, consumedBytes: 0,
      offload: 0, piecesRejected: 0, banned: 0, integrity: o.publicKey ? "signed" : "cross-checked", originByCause: {}, links: [],
    };
    this.connections = new Connections((report, transfer) => this.post({ to: "rtc", report }, transfer));
    if (o.startLate && !o.disk) this.later = setTimeout(() => this.begin(), StartPatience);
    else this.begin();
    globalThis.addEventListener?.("pagehide", this.leave);
  }

  /** Starts the worker. */
  private begin(): void {
    clearTimeout(this.later);
    const o = this.options;
    this.port ??= startWorker(o.script, (m) => this.receive(m)).then((started) => {
      const { port, inside } = started;
      this.connections.movable = inside;
      this.live = port;
      port.postMessage({ to: "start", options: workerOptions(o, this.allow) } satisfies ToWorker, []);
      for (const [m, transfer] of this.waiting.splice(0)) port.postMessage(m, transfer);
      return started;
    });
  }

  private post(m: ToWorker, transfer: Transferable[] = []): void {
    // What is moved to the worker must be moved now or not at all.
    if (this.live) this.live.postMessage(m, transfer);
    else this.waiting.push([m, transfer]);
  }

  request(request: SegmentRequest): Promise<SegmentReply> {
    const { signal, ...rest } = request;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.destroyed) return Promise.reject(engineError("the engine was destroyed", 0, [], request.url));
    if (this.later && !this.live && request.urgent) {
      return direct(request, (bytes, headers) =>
        this.post({ to: "provide", request: rest, bytes, headers: [...headers] }, [bytes.buffer as ArrayBuffer]),
      );
    }
    this.begin();
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.post({ to: "abort", id });
        this.end(id, signal!.reason);
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.pending.set(id, {
        resolve,
        reject,
        body: undefined,
        reply: undefined,
        sources: { memory: 0, disk: 0, peer: 0, origin: 0 },
        peers: {},
        active: 0,
        done: () => signal?.removeEventListener("abort", abort),
      });
      this.post({ to: "request", id, request: rest });
    });
  }

  /** Ends a request, with an error or well. */
  private end(id: number, error?: unknown): void {
    const p = this.pending.get(id);
    if (!p) return;
    this.pending.delete(id);
    p.done();
    if (!error) p.body?.close();
    else if (p.body) p.body.error(error);
    else p.reject(error);
  }

  plan(track: string, upcoming: PlannedSegment[]): void {
    this.post({ to: "plan", track, upcoming });
  }

  playback({ live, position }: { live: boolean; position: number }): void {
    this.post({ to: "position", at: live ? 0 : Math.round(position * 1000) });
  }

  condition(change: Partial<Condition>): void {
    this.allow = { ...this.allow, ...change };
    this.post({ to: "condition", condition: this.allow });
  }

  on<K extends keyof EngineEvents>(event: K, listener: (detail: EngineEvents[K]) => void): () => void {
    const all = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, all.add(listener));
    return () => all.delete(listener);
  }

  stats(): EngineStats {
    return this.snapshot;
  }

  destroy(): Promise<void> {
    return (this.destroyed ??= this.shutDown());
  }

  private async shutDown(): Promise<void> {
    globalThis.removeEventListener?.("pagehide", this.leave);
    clearTimeout(this.later);
    for (const id of [...this.pending.keys()]) this.end(id, engineError("the engine was destroyed", 0, [], ""));
    if (!this.port) return;
    const { port, stop } = await this.port;
    port.postMessage({ to: "close" } satisfies ToWorker, []);
    // Good-byes take a moment to leave.
    await new Promise((done) => setTimeout(done, FarewellTime));
    this.connections.stop();
    stop();
  }

  private receive(m: FromWorker): void {
    switch (m.is) {
      case "rtc":
        return this.connections.run(m.command);
      case "stats":
        this.snapshot = m.stats;
        return;
      case "event":
        for (const f of this.listeners.get(m.name) ?? []) f(m.detail as never);
        return;
      case "head":
        return this.head(m);
      case "data": {
        const p = this.pending.get(m.id);
        if (!p) return;
        p.active = m.active;
        if (p.reply) p.reply.size = m.size;
        p.body?.enqueue(m.bytes);
        return;
      }
      case "end": {
        const p = this.pending.get(m.id);
        if (p) Object.assign(p, { sources: m.sources, peers: m.peers, active: m.active });
        if (p?.reply) p.reply.size = m.size;
        return this.end(m.id);
      }
      case "fail":
        return this.end(m.id, engineError(m.message, m.status, m.headers, m.url));
    }
  }

  private head(m: Extract<FromWorker, { is: "head" }>): void {
    const p = this.pending.get(m.id);
    if (!p) return;
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => void (p.body = controller),
        cancel: () => {
          this.post({ to: "abort", id: m.id });
          p.done();
          this.pending.delete(m.id);
        },
      },
      // Bytes are here already; making them wait would not slow down who sends them.
      { highWaterMark: Infinity },
    );
    p.reply = {
      status: m.status,
      headers: new Headers(m.headers),
      url: m.url,
      size: m.size,
      body,
      hit: m.hit,
      sources: () => p.sources,
      peers: () => p.peers,
      activeTime: () => p.active,
    };
    p.resolve(p.reply);
  }
}

/** How long links get to say good-bye, ms. */
const FarewellTime = 80;

function workerOptions(o: EngineOptions, condition: Condition): WorkerOptions {
  const key = o.publicKey;
  return {
    swarm: o.swarm,
    signal: o.signal ?? "",
    token: o.token ?? "",
    publicKey: typeof key === "string" ? unhex(key) : key,
    requireSigned: !!o.requireSigned,
    memory: o.memory ?? DefaultMemory,
    disk: o.disk ?? 0,
    minPeers: o.minPeers ?? 4,
    maxPeers: o.maxPeers ?? 10,
    leaveSignalling: !!o.leaveSignalling,
    iceServers: o.iceServers ?? [],
    relayOnly: !!o.relayOnly,
    condition,
  };
}
