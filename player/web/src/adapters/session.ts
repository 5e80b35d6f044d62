// One engine for each swarm on a page, whoever uses it: two players of one stream and
// shoal.fetch are one peer. A session is one user's hold on the engine of its stream.
import type { Condition, Engine, EngineEvents, EngineOptions, EngineStats, PlannedSegment } from "../engine.ts";
import { settings, type Options, type Settings } from "../options.ts";
import { locate } from "../policy/geolocation.ts";
import type { Limits } from "../policy/limits.ts";
import { Manners } from "../policy/manners.ts";
import { unhex } from "../segments/bytes.ts";
import { swarmID } from "./swarmid.ts";

/** What made an engine is kept beside it. */
interface Running {
  engine: Engine;
  manners: Manners;
  users: number;
  end(): void;
}

type Maker = (options: EngineOptions) => Engine;
let maker: Maker | undefined;
/** Who makes engines: peer.ts in a bundle, something simpler in tests. */
export const useEngines = (make: Maker): void => void (maker = make);

const running = new Map<string, Running>();

/** Options for the whole page, under those of each attach. */
export const pageOptions: Options = {};

export type EventName = keyof EngineEvents;
type Listener = (detail: never, swarm: string) => void;
const listeners = new Map<EventName, Set<Listener>>();
const events: EventName[] = ["peers", "segment", "banned", "signal", "policy", "warning"];

/** Adds a listener to the events of all engines of this page; the function returned removes it. */
export function on<K extends EventName>(event: K, listener: (detail: EngineEvents[K], swarm: string) => void): () => void {
  const set = listeners.get(event) ?? new Set();
  listeners.set(event, set.add(listener as Listener));
  return () => set.delete(listener as Listener);
}

function tell<K extends EventName>(event: K, detail: EngineEvents[K], swarm: string): void {
  for (const listener of [...(listeners.get(event) ?? [])]) {
    try {
      (listener as (detail: EngineEvents[K], swarm: string) => void)(detail, swarm);
    } catch (error) {
      setTimeout(() => {
        throw error; // the page's own mistake goes to the page's console, not through us
      });
    }
  }
}

/** One entry for each swarm that this page is in. */
export const stats = (): EngineStats[] => [...running.values()].map((r) => r.engine.stats());

/**
 * Gives all swarms of this page another token: the signalling server refuses who
 * joined with one that has expired since. Links and the player go on meanwhile.
 */
export const renewToken = (token: string): void => {
  for (const r of running.values()) r.engine.condition({ token });
};

/** How often bytes sent are counted against the monthly budget. */
const countEvery = 2000;

const conditionOf = (l: Limits): Condition => ({
  signalling: l.join,
  links: l.active,
  metered: l.metered,
  uploadMax: l.upload == Infinity ? 0 : l.upload,
  silent: l.upload == 0,
});

function start(swarm: string, o: Settings): Running {
  const manners = new Manners(o);
  const made: EngineOptions = {
    swarm,
    requireSigned: o.requireSigned,
    memory: manners.memory(),
    disk: o.disk,
    maxPeers: manners.limits().peers,
    minPeers: Math.min(4, manners.limits().peers),
    iceServers: o.iceServers,
    relayOnly: o.relayOnly,
    startLate: true,
    condition: conditionOf(manners.limits()),
  };
  if (o.signal) made.signal = o.signal;
  if (o.token) made.token = o.token;
  if (o.signingKey) made.publicKey = unhex(o.signingKey);
  const engine = maker!(made);
  for (const event of events) engine.on(event, (detail) => tell(event, detail as never, swarm));
  engine.on("signal", ({ settings, swarmSize }) => {
    manners.welcome(settings);
    manners.viewers(swarmSize);
  });
  let { active } = manners.limits();
  let located = false;
  /** Asked for once, and not before the viewer may be told of at all. */
  const ask = async ({ join }: Limits) => {
    if (!join || located) return;
    located = true;
    const place = await locate(o);
    if (place) engine.condition({ place });
  };
  void ask(manners.limits());
  manners.on((limits) => {
    engine.condition(conditionOf(limits));
    void ask(limits);
    if (limits.active != active) tell("policy", { active: (active = limits.active), reason: limits.reason }, swarm);
  });
  let counted = 0;
  const counting = setInterval(() => {
    const sent = engine.stats().sentBytes;
    if (sent > counted) manners.sent(sent - counted);
    counted = sent;
  }, countEvery);
  return {
    engine,
    manners,
    users: 0,
    end() {
      clearInterval(counting);
      manners.close();
      void engine.destroy().catch(() => {});
    },
  };
}

/** For how long the origin is asked plainly after the engine has failed, in milliseconds. */
const restAfterFailure = 30_000;

export class Session {
  /** The swarm joined; empty before open(). */
  swarm = "";
  private readonly options: Settings;
  private run: Running | undefined;
  private restUntil = 0;

  constructor(given?: Options) {
    this.options = settings(pageOptions, given);
  }

  /** Reserve this far ahead, in milliseconds. */
  ahead(segmentSeconds: number): number {
    return 1000 * (this.options.ahead || Math.min(Math.max(4 * segmentSeconds, 6), 30));
  }

  /** Joins the swarm of a manifest, leaving another one. Never throws: without an engine all goes plain. */
  open(manifest: string): void {
    try {
      const swarm = this.options.swarm || swarmID(new URL(manifest, globalThis.location?.href).href);
      if (swarm == this.swarm) return;
      this.close();
      let found = running.get(swarm);
      if (!found) running.set(swarm, (found = start(swarm, this.options)));
      found.users++;
      [this.swarm, this.run, this.restUntil] = [swarm, found, 0];
    } catch (error) {
      tell("warning", { message: `shoal: ${manifest} plays without peers: ${String(error)}` }, this.swarm);
    }
  }

  /** The engine, undefined while requests had better go to the origin plainly. */
  engine(): Engine | undefined {
    return this.run && performance.now() >= this.restUntil ? this.run.engine : undefined;
  }

  /** The engine broke a promise: leave it alone for a while. */
  failed(why: unknown): void {
    this.restUntil = performance.now() + restAfterFailure;
    tell("warning", { message: `shoal: the origin is asked plainly for ${restAfterFailure / 1000} s: ${String(why)}` }, this.swarm);
  }

  plan(track: string, upcoming: PlannedSegment[]): void {
    this.engine()?.plan(track, upcoming);
  }

  stats(): EngineStats | undefined {
    return this.run?.engine.stats();
  }

  /** Lets go of the engine; its last user ends it. */
  close(): void {
    const { run, swarm } = this;
    [this.run, this.swarm] = [undefined, ""];
    if (run && --run.users == 0) {
      running.delete(swarm);
      run.end();
    }
  }
}
