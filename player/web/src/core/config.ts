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
  /** Multiplies the measured origin time when the latest moment to ask it is computed (default 1.25). */
  deadlineSafety: number;
  /** How long an accepted source may send nothing before its pieces go to another (default 400 ms). */
  stallAfter: Duration;
  /** Pieces that may be queued on one link (default 1: 16 KiB). */
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

const defaults: Omit<Config, "id" | "random"> = {
  seed: false,
  signed: false,
  minPeers: 4,
  maxPeers: 10,
  disconnectWebsocketOnMax: false,
  originCopies: 1,
  electionStep: 150 * millisecond,
  originTime: second,
  deadlineSafety: 1.25,
  stallAfter: 400 * millisecond,
  window: 1,
  uploadMax: 0,
  metered: false,
  sampleRate: 1 / 64,
  relayReservations: 32,
  log: undefined,
};

/** Fills in defaults and, in builds that explain, refuses nonsense. */
export function populate(settings: Settings): Config {
  const said = Object.entries(settings).filter(([, value]) => value);
  const c = { ...defaults, ...Object.fromEntries(said) } as Config;
  if (__EXPLAIN__) validate(c);
  return c;
}

function validate(c: Config): void {
  const check = (ok: boolean, what: string) => {
    if (!ok) throw Error("swarm: config: " + what);
  };
  check(!!c.id && !!c.random, "id and random are required");
  check(c.minPeers >= 0 && c.maxPeers >= Math.max(1, c.minPeers), "want 0 ≤ minPeers ≤ maxPeers, maxPeers ≥ 1");
  check(c.originCopies >= 0, "originCopies must not be negative");
  check(c.sampleRate >= 0 && c.sampleRate <= 1, "want 0 ≤ sampleRate ≤ 1");
  check(c.deadlineSafety >= 1, "want deadlineSafety ≥ 1");
  check(c.window >= 1 && c.uploadMax >= 0, "window must be positive, uploadMax not negative");
  check(c.electionStep >= 0 && c.stallAfter >= 0, "electionStep and stallAfter must not be negative");
}
