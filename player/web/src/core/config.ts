// Config of one brain (swarm/config.go). Fields left out, or 0, take their defaults.
import { millisecond, second, type Duration, type Time } from "./time.ts";
import type { PeerID } from "./message.ts";

/** Version of the protocol between peers; a Hello with another version closes the link. */
export const Version = 1;

export interface Config {
  /** This peer's own name, from signalling. */
  id: PeerID;
  /**
   * Draws from [0, 1) and is the brain's only chance: Math.random, or for stories that
   * can be told again, random.ts.
   */
  random: () => number;
  /** Fetch every wanted segment from the origin at once and rank first as a source. */
  seed: boolean;
  /** Segments carry statements from a known key. Unsigned swarms cross-check instead (sampleRate). */
  signed: boolean;
  /** Links below which more peers are asked for (default 4). Fewer make the mesh fragile. */
  minPeers: number;
  /** Links never exceeded (default 10). */
  maxPeers: number;
  /**
   * Close the signalling websocket when maxPeers are connected; neighbours then forward
   * signals. It opens again, after a wait with jitter, below minPeers, every ten minutes,
   * and on NeedSignal (default false).
   */
  disconnectWebsocketOnMax: boolean;
  /** How many peers should fetch a new segment when no seed does (default 1). */
  originCopies: number;
  /** δ, how long to wait without word from any neighbour before the election threshold doubles (default 150 ms). */
  electionStep: Duration;
  /** First guess at how long the origin takes to deliver a segment (default 1 s). */
  originTime: Duration;
  /** Multiplies the measured origin time when the latest moment to ask it is computed (default 2). */
  deadlineSafety: number;
  /** How long an accepted source may send nothing before its pieces go to another (default 400 ms). */
  stallAfter: Duration;
  /** Pieces that may be queued on one link (default 16: 256 KiB). */
  window: number;
  /** Upload rate cap in bit/s (default 0: none). */
  uploadMax: number;
  /** Never volunteer: rank last in elections and pass no reservations on. */
  metered: boolean;
  /** Share of unsigned segments of which one piece is fetched from the origin again (default 1/64). */
  sampleRate: number;
  /** Neighbours' reservations for keys not wanted here that are passed on at a time (default 32). */
  relayReservations: number;
  /** Receives one line a decision, in builds that keep explanations (__EXPLAIN__). */
  log: ((now: Time, line: string) => void) | undefined;
}

/** What must be said, and what may be. */
export type Settings = Partial<Config> & Pick<Config, "id" | "random">;

/** Fills in defaults and refuses nonsense. */
export function populate(c: Settings): Config {
  const full: Config = {
    ...c,
    seed: !!c.seed,
    signed: !!c.signed,
    minPeers: c.minPeers || 4,
    maxPeers: c.maxPeers || 10,
    disconnectWebsocketOnMax: !!c.disconnectWebsocketOnMax,
    originCopies: c.originCopies || 1,
    electionStep: c.electionStep || 150 * millisecond,
    originTime: c.originTime || second,
    deadlineSafety: c.deadlineSafety || 2,
    stallAfter: c.stallAfter || 400 * millisecond,
    window: c.window || 16,
    uploadMax: c.uploadMax || 0,
    metered: !!c.metered,
    sampleRate: c.sampleRate || 1 / 64,
    relayReservations: c.relayReservations || 32,
    log: c.log,
  };
  if (!full.id) throw Error("swarm: config.id is required");
  if (
    !(
      full.minPeers >= 0 &&
      full.maxPeers >= Math.max(1, full.minPeers) &&
      full.originCopies >= 0 &&
      full.sampleRate >= 0 &&
      full.sampleRate <= 1 &&
      full.deadlineSafety >= 1 &&
      full.window >= 1 &&
      full.uploadMax >= 0 &&
      full.electionStep >= 0 &&
      full.stallAfter >= 0
    )
  )
    throw Error("swarm: config out of range: want 0 ≤ minPeers ≤ maxPeers, 0 ≤ sampleRate ≤ 1, deadlineSafety ≥ 1, nothing negative");
  return full;
}
