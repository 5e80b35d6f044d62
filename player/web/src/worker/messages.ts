// What the page and the worker tell each other.
import type { Condition, EngineEvents, EngineStats, PlannedSegment, SegmentRequest, Source } from "../engine.ts";
import type { Command, Report } from "../rtc/bridge.ts";

/** The worker's share of EngineOptions, with every default filled in. */
export interface WorkerOptions {
  swarm: string;
  /** Empty: nobody to meet. */
  signal: string;
  token: string;
  publicKey: Uint8Array | undefined;
  requireSigned: boolean;
  memory: number;
  disk: number;
  minPeers: number;
  maxPeers: number;
  leaveSignalling: boolean;
  iceServers: RTCIceServer[];
  relayOnly: boolean;
  condition: Condition;
}

export type WorkerRequest = Omit<SegmentRequest, "signal">;

export type ToWorker =
  | { to: "start"; options: WorkerOptions }
  | { to: "request"; id: number; request: WorkerRequest }
  /** What the page fetched before the worker ran. */
  | { to: "provide"; request: WorkerRequest; bytes: Uint8Array; headers: [string, string][] }
  | { to: "abort"; id: number }
  | { to: "plan"; track: string; upcoming: PlannedSegment[] }
  /** Milliseconds on the time line of a VOD presentation, 0: live. */
  | { to: "position"; at: number }
  | { to: "condition"; condition: Condition }
  | { to: "rtc"; report: Report }
  | { to: "close" };

export type FromWorker =
  /** The worker runs. */
  | { is: "ready" }
  | { is: "head"; id: number; status: number; headers: [string, string][]; url: string; size: number; hit: boolean }
  | { is: "data"; id: number; bytes: Uint8Array; active: number; size: number }
  | { is: "end"; id: number; sources: Record<Source, number>; peers: Record<string, number>; active: number; size: number }
  | { is: "fail"; id: number; status: number; message: string; headers: [string, string][]; url: string }
  | { is: "event"; name: keyof EngineEvents; detail: EngineEvents[keyof EngineEvents] }
  | { is: "stats"; stats: EngineStats }
  | { is: "rtc"; command: Command };

/** A Worker, the scope inside one, or an end of a MessageChannel. */
export interface Port {
  postMessage(message: unknown, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent) => void) | null;
}

/** Name by which a script knows that it was started as our worker. */
export const WorkerName = "shoal-worker";
