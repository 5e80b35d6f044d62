// An engine for tests: answers from a script, remembers what it was asked.
import type { Condition, Engine, EngineEvents, EngineOptions, EngineStats, PlannedSegment, SegmentReply, SegmentRequest } from "../engine.ts";
import { useEngines } from "./session.ts";

/** How one request is answered. */
export interface Script {
  status?: number;
  headers?: Record<string, string>;
  /** Pieces in order; a number waits so many milliseconds; an Error breaks off; "hang" sends nothing more. */
  body?: (Uint8Array | number | Error | "hang")[];
  /** Size told; default: the sum of the pieces. */
  size?: number;
  hit?: boolean;
  /** Milliseconds of arriving, of each piece. */
  active?: number;
}

export class FakeEngine implements Engine {
  requests: SegmentRequest[] = [];
  /** Keys requested and tracks planned, in order. */
  calls: string[] = [];
  plans = new Map<string, PlannedSegment[]>();
  playbacks: object[] = [];
  conditions: Partial<Condition>[] = [];
  destroyed = 0;
  sentBytes = 0;
  aborted = 0;
  readonly options: EngineOptions;
  private readonly listeners = new Map<string, Set<(detail: any) => void>>();
  answer: (request: SegmentRequest) => Script | Error | "hang";

  constructor(options: EngineOptions, answer: FakeEngine["answer"]) {
    this.options = options;
    this.answer = answer;
  }

  async request(request: SegmentRequest): Promise<SegmentReply> {
    this.requests.push(request);
    this.calls.push(request.key);
    request.signal?.addEventListener("abort", () => this.aborted++);
    const script = this.answer(request);
    if (script == "hang") return new Promise(() => {});
    if (script instanceof Error) throw script;
    const pieces = script.body ?? [];
    const sum = pieces.reduce((n: number, p) => n + (p instanceof Uint8Array ? p.length : 0), 0);
    let active = 0;
    let at = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(out) {
          for (;;) {
            const p = pieces[at++];
            if (p == undefined) return out.close();
            if (p == "hang") return new Promise(() => {});
            if (p instanceof Error) return out.error(p);
            if (typeof p == "number") await new Promise((done) => setTimeout(done, p));
            else {
              active += script.active ?? 10;
              return out.enqueue(p);
            }
          }
        },
      },
      { highWaterMark: 0 },
    );
    return {
      status: script.status ?? 200, headers: new Headers(script.headers), url: request.url, size: script.size ?? sum, body,
      sources: () => ({ memory: 0, disk: 0, peer: sum, origin: 0 }), peers: () => ({}), hit: !!script.hit, activeTime: () => active,
    };
  }
  plan(track: string, upcoming: PlannedSegment[]): void {
    this.plans.set(track, upcoming);
    this.calls.push(`plan ${track}`);
  }
  playback(state: object): void {
    this.playbacks.push(state);
  }
  condition(change: Partial<Condition>): void {
    this.conditions.push(change);
  }
  on<K extends keyof EngineEvents>(event: K, listener: (detail: EngineEvents[K]) => void): () => void {
    const set = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, set.add(listener));
    return () => set.delete(listener);
  }
  emit<K extends keyof EngineEvents>(event: K, detail: EngineEvents[K]): void {
    for (const listener of this.listeners.get(event) ?? []) listener(detail);
  }
  stats(): EngineStats {
    return {
      swarm: this.options.swarm, peer: "", peers: 0, swarmSize: 0, originBytes: 0, peerBytes: 0, cacheBytes: 0, sentBytes: this.sentBytes,
      consumedBytes: 0, offload: 0, piecesRejected: 0, banned: 0, integrity: "signed", originByCause: {}, links: [],
    };
  }
  async destroy(): Promise<void> {
    this.destroyed++;
  }
}

/** Engines made from now on are fakes; the list grows with each. */
export function fakeEngines(answer: FakeEngine["answer"]): FakeEngine[] {
  const made: FakeEngine[] = [];
  useEngines((options) => {
    const engine = new FakeEngine(options, answer);
    made.push(engine);
    return engine;
  });
  return made;
}

export const bytes = (n: number, value = 1) => new Uint8Array(n).fill(value);
export const settled = () => new Promise((done) => setTimeout(done, 5));
