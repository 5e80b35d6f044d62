// What an adapter (dash.js, hls.js, Shaka, fetch) may ask of the peer, and nothing
// else: adapters import this file, never the engine's insides. The names follow
// the Go package player (Session, plan, reply).

/** Where the bytes of a reply, or of a part of it, came from. */
export type Source = "memory" | "disk" | "peer" | "origin";

/** One segment (or init segment, part, resource) that the player wants now. */
export interface SegmentRequest {
  /** Key as swarm/PROTOCOL.md §1 names it: the same on every peer, never from the URL's query. */
  key: string;
  /** Where the origin has it. */
  url: string;
  /** Byte range of the resource that the key names, inclusive; absent: the whole resource. */
  range?: { first: number; last: number };
  /** Headers for the origin only. Peers never see them. */
  headers?: Record<string, string>;
  credentials?: RequestCredentials;
  /** Milliseconds from now until the player runs dry without it. The origin is asked in time. */
  deadline: number;
  /** Duration of the segment in seconds, if known. */
  duration?: number;
  /** The origin may still be producing it (low latency): deliver as it grows. */
  growing?: boolean;
  /** Start-up or after a seek: from wherever it is fastest, now. */
  urgent?: boolean;
  /** Bytes, as bandwidth times duration guesses; absent: unknown. */
  sizeHint?: number;
  signal?: AbortSignal;
}

/** A segment that the player will want, so that it can be reserved before it exists. */
export interface PlannedSegment {
  key: string;
  /** Absent while it is not known: peers can be asked, the origin cannot. */
  url?: string;
  range?: { first: number; last: number };
  /** As in SegmentRequest: a plan that leads to a fetch asks the origin the same way. */
  headers?: Record<string, string>;
  credentials?: RequestCredentials;
  /** Milliseconds from now until it exists at the origin; 0 or less: it does. */
  availableIn: number;
  /** Milliseconds from now until its last byte exists, of one that grows at the origin (low latency); absent: at availableIn. */
  wholeIn?: number;
  /** Milliseconds from now until the player needs it whole. */
  dueIn: number;
  /** Duration in seconds. */
  duration: number;
  /** Bytes, as bandwidth times duration guesses; absent: unknown. */
  sizeHint?: number;
}

/** What a request fails with. An abort rejects with the signal's reason, as fetch does. */
export interface EngineError extends Error {
  /** HTTP status of the origin's refusal; 0: it could not be reached, or the bytes could not be trusted. */
  status: number;
  /** Of the origin's answer, if there was one. */
  headers: Headers;
  url: string;
}

export interface SegmentReply {
  /** HTTP status as the origin gave it, 200 or 206 for what peers brought. */
  status: number;
  headers: Headers;
  /** The final URL, after redirects. */
  url: string;
  /** Bytes in all; -1 while the segment is still growing. */
  size: number;
  /** Verified bytes in order, as they come. */
  body: ReadableStream<Uint8Array>;
  /** Bytes by source so far; complete when body has ended. */
  sources(): Record<Source, number>;
  /** Of the bytes from peers, how many came from whom. */
  peers(): Record<string, number>;
  /** True when every byte was held before the request was made. */
  hit: boolean;
  /**
   * Milliseconds during which bytes were actually arriving, for ABR: the time that a
   * plain transfer of the same bytes at the measured rate would have shown. Complete
   * when body has ended.
   */
  activeTime(): number;
}

/** What the engine is made with. Only `swarm` is required; what may change later is in Condition. */
export interface EngineOptions {
  /** Name of the swarm: the operator's id or the canonical manifest URL. */
  swarm: string;
  /** Websocket of the signalling server, ws: or wss:. Absent: nobody to meet, everything comes from the origin. */
  signal?: string;
  /** URL of worker.js. Absent: beside the script that the page loaded. */
  script?: string;
  /** Proof of admission, where the signalling server asks for one. */
  token?: string;
  /** Ed25519 public key, 32 bytes or 64 hexadecimal digits, whose statements are believed. Absent: signalling may announce one. */
  publicKey?: string | Uint8Array;
  /** Refuse bytes from peers that nobody signed (default false: they are cross-checked). */
  requireSigned?: boolean;
  /** Memory tier in bytes (default 128 MiB). */
  memory?: number;
  /** IndexedDB tier in bytes (default 0: none). */
  disk?: number;
  /** Links below which more are asked for (default 4), and never exceeded (default 10). */
  minPeers?: number;
  maxPeers?: number;
  /** Leave the websocket when maxPeers are linked (default false). */
  leaveSignalling?: boolean;
  /** STUN and TURN servers besides those that signalling announces. */
  iceServers?: RTCIceServer[];
  /** Use relays only, so that peers do not see this viewer's address (default false). */
  relayOnly?: boolean;
  /**
   * Start the peer when the player plays, which its first request that is not urgent tells, or
   * after two seconds; until then what is urgent comes from the origin as it would without us.
   * The start has the processor to itself (default false; with a `disk` it never waits).
   */
  startLate?: boolean;
  /** What is allowed at the start (default: everything). */
  condition?: Partial<Condition>;
}

/** What the viewer's device and the page's policies allow at the moment. */
export interface Condition {
  /** Stay connected to signalling. False leaves it. */
  signalling: boolean;
  /** Have links to peers. False closes them all: not one ICE candidate is gathered. */
  links: boolean;
  /** Send as little as possible: volunteer for nothing, rank last as a source. */
  metered: boolean;
  /** Upload cap in bit/s, 0: none. */
  uploadMax: number;
  /** Send nothing at all to peers: their requests are refused as busy. */
  silent: boolean;
  /** Where the viewer is, in degrees, for pairing by distance; absent: not told to anybody. */
  place?: { latitude: number; longitude: number };
  /** Proof of admission from the next connect on; absent: that of the options. */
  token?: string;
}

/** The peer, as adapters see it. */
export interface Engine {
  /** Fails with an EngineError, the origin's, if it comes to that; never waits past the deadline. */
  request(request: SegmentRequest): Promise<SegmentReply>;
  /** Replaces what was planned for a track. A track that plays nothing more: an empty list. */
  plan(track: string, upcoming: PlannedSegment[]): void;
  /**
   * Tells the engine whether the viewer plays live, and where, in seconds: viewers of VOD are
   * introduced to others who are near.
   */
  playback(state: { live: boolean; position: number }): void;
  /** Changes what is allowed; fields left out stay as they are. */
  condition(change: Partial<Condition>): void;
  /** Adds a listener; the function returned removes it. */
  on<K extends keyof EngineEvents>(event: K, listener: (detail: EngineEvents[K]) => void): () => void;
  stats(): EngineStats;
  /** Leaves the swarm, closes every link, stops the worker. */
  destroy(): Promise<void>;
}

export interface EngineEvents {
  /** A link opened or closed. */
  peers: { count: number; peer: string; up: boolean };
  /** A segment is whole. */
  segment: { key: string; bytes: number; sources: Record<Source, number>; ms: number; peers: Record<string, number> };
  /** A peer sent what did not verify, and was banned. */
  banned: { peer: string; reason: string };
  /** The signalling server was reached or lost, the swarm's size changed, or its settings came. */
  signal: { connected: boolean; swarmSize: number; settings: Record<string, string> };
  /** p2p was switched on or off by a policy, and why. */
  policy: { active: boolean; reason: string };
  /** Something went wrong that the page should know of; playing goes on from the origin. */
  warning: { message: string };
}

export interface EngineStats {
  swarm: string;
  peer: string;
  peers: number;
  swarmSize: number;
  originBytes: number;
  peerBytes: number;
  cacheBytes: number;
  sentBytes: number;
  consumedBytes: number;
  /** 1 - originBytes / consumedBytes. */
  offload: number;
  piecesRejected: number;
  banned: number;
  integrity: "signed" | "cross-checked";
  /** Bytes from the origin by cause, as the Go core names causes. */
  originByCause: Record<string, number>;
  links: { peer: string; seed: boolean; rttMs: number; receivedBytes: number; sentBytes: number }[];
}
