// The JSON that /api/status/events sends once a second, read with suspicion:
// whatever is missing or of the wrong type becomes 0, "" or empty.

/** More viewers than this are left out of the page, not out of the totals. */
export const maxViewers = 200;

export interface Delivery {
  p50: number; // ms from "available at the origin" to "complete at the viewer"
  p95: number;
  max: number; // totals only
}

export interface Viewer {
  id: string;
  name: string;
  seed: boolean;
  playing: boolean;
  links: number; // open data channels
  peers: string[]; // their ids
  originBytes: number;
  peerBytes: number;
  consumedBytes: number;
  uploadedBytes: number;
  stalls: number;
  stallMs: number;
  latencyMs: number; // behind the live edge
  delivery: Delivery;
  piecesRejected: number;
  banned: number; // peers this viewer has banned
}

export interface Totals {
  originBytes: number;
  peerBytes: number;
  consumedBytes: number;
  offload: number; // 1 − origin / consumed
  idealOffload: number; // 1 − 1 / viewers
  originCopies: number; // mean times a segment left the origin
  stalls: number;
  delivery: Delivery;
}

export interface Snapshot {
  now: string;
  seconds: number;
  mode: string; // live | vod
  format: string; // dash | hls
  integrity: string; // signed | cross-checked
  viewers: Viewer[];
  totals: Totals;
  streams: { dash: string; hls: string };
}

type Fields = Record<string, unknown>;

const fields = (v: unknown): Fields => (typeof v === "object" && v !== null ? (v as Fields) : {});
const number = (v: unknown): number => (typeof v === "number" && Number.isFinite(v) ? v : 0);
const text = (v: unknown): string => (typeof v === "string" ? v : "");
const list = (v: unknown): unknown[] => (Array.isArray(v) ? v.slice(0, maxViewers) : []);

/** Reads one event's data. Anything but a JSON object is undefined. */
export function parseSnapshot(json: string): Snapshot | undefined {
  let raw: unknown;
  try {
    raw = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) return undefined;
  const s = fields(raw);
  const streams = fields(s.streams);
  return {
    now: text(s.now),
    seconds: number(s.seconds),
    mode: text(s.mode),
    format: text(s.format),
    integrity: text(s.integrity),
    viewers: list(s.viewers).map(viewer),
    totals: totals(fields(s.totals)),
    streams: { dash: text(streams.dash), hls: text(streams.hls) },
  };
}

function viewer(raw: unknown): Viewer {
  const v = fields(raw);
  return {
    id: text(v.id),
    name: text(v.name) || text(v.id),
    seed: v.seed === true,
    playing: v.playing === true,
    links: number(v.links),
    peers: list(v.peers).map(text),
    originBytes: number(v.origin_bytes),
    peerBytes: number(v.peer_bytes),
    consumedBytes: number(v.consumed_bytes),
    uploadedBytes: number(v.uploaded_bytes),
    stalls: number(v.stalls),
    stallMs: number(v.stall_ms),
    latencyMs: number(v.latency_ms),
    delivery: delivery(v.delivery_ms),
    piecesRejected: number(v.pieces_rejected),
    banned: number(v.banned),
  };
}

function totals(t: Fields): Totals {
  return {
    originBytes: number(t.origin_bytes),
    peerBytes: number(t.peer_bytes),
    consumedBytes: number(t.consumed_bytes),
    offload: number(t.offload),
    idealOffload: number(t.ideal_offload),
    originCopies: number(t.origin_copies),
    stalls: number(t.stalls),
    delivery: delivery(t.delivery_ms),
  };
}

function delivery(raw: unknown): Delivery {
  const d = fields(raw);
  return { p50: number(d.p50), p95: number(d.p95), max: number(d.max) };
}
