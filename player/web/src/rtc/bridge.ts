// What the worker, where peers are decided about, and the page, the only place where the
// browser lets connections be made, tell each other. Connections are numbered by the
// worker.
//
// Where the browser can move data channels to a worker (Chromium from 130 on) they are,
// and nothing that passes over them touches the page. Elsewhere the page hands
// messages on, without copying.

/** From the worker to the page. */
export type Command =
  | { op: "open"; id: number; ice: RTCIceServer[]; relayOnly: boolean }
  | { op: "offer"; id: number }
  /** Takes an offer and answers it. */
  | { op: "answer"; id: number; sdp: string }
  /** Takes the answer to our offer. */
  | { op: "accept"; id: number; sdp: string }
  | { op: "candidate"; id: number; candidate: string }
  | { op: "close"; id: number }
  | { op: "send"; id: number; channel: number; data: Uint8Array };

/** From the page to the worker. */
export type Report =
  /** The channels themselves, by number; absent: the page passes messages on. */
  | { ev: "channels"; id: number; channels?: RTCDataChannel[] }
  | { ev: "described"; id: number; sdp: string }
  | { ev: "candidate"; id: number; candidate: string }
  | { ev: "state"; id: number; state: RTCIceConnectionState }
  | { ev: "failed"; id: number; message: string }
  /** Milliseconds. */
  | { ev: "rtt"; id: number; rtt: number }
  | { ev: "open"; id: number; channel: number }
  | { ev: "message"; id: number; channel: number; data: ArrayBuffer }
  | { ev: "closed"; id: number }
  /** How much of what the worker sent on the bulk channel is still queued. */
  | { ev: "drained"; id: number; sent: number; queued: number };

/** Channel numbers are the SCTP stream ids of swarm/PROTOCOL.md §4. */
export const Control = 0;
export const Bulk = 1;
export const labels = ["control", "bulk"];

/** Queued bytes below which a bulk channel has room again. */
export const LowWater = 4096;
