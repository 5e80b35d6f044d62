// The peer, where it does not get in the page's way: websocket, MessagePack, hashing,
// compression, IndexedDB and the brain. Only connections and the player are outside.
import type { Condition, PlannedSegment } from "../engine.ts";
import { provide } from "../node/fetch.ts";
import type { Network } from "../node/network.ts";
import { Node } from "../node/node.ts";
import { hush } from "../node/receive.ts";
import type { Resource } from "../node/object.ts";
import type { Reader, Stream } from "../node/stream.ts";
import { RtcNetwork } from "../rtc/network.ts";
import { lazy } from "../segments/lazy.ts";
import { metaOf, StatusError } from "../segments/origin.ts";
import { Store } from "../segments/store.ts";
import type { FromWorker, Port, ToWorker, WorkerOptions, WorkerRequest } from "./messages.ts";
import { sourcesOf, split, statsOf } from "./report.ts";

/** How often figures are told, ms. */
const StatsEvery = 500;
/** Longest that the disk may take to open: a browser that asks the viewer must not hold up the start, ms. */
const DiskPatience = 1000;

/** Serves a page over a port, until it says close. */
export function serve(port: Port): void {
  let host: Promise<PeerHost> | undefined;
  const post = (m: FromWorker, transfer: Transferable[] = []) => port.postMessage(m, transfer);
  port.onmessage = ({ data }: MessageEvent<ToWorker>) => {
    if (data.to === "start") host = PeerHost.start(data.options, post);
    else void host?.then((h) => h.take(data));
  };
  post({ is: "ready" });
}

type Post = (m: FromWorker, transfer?: Transferable[]) => void;

class PeerHost {
  private readonly post: Post;
  private readonly node: Node;
  private readonly rtc: RtcNetwork | undefined;
  private readonly streams = new Map<number, Stream>();
  private readonly plans = new Map<string, Resource[]>();
  private settings: Record<string, string> = {};
  private lastStats = "";
  private readonly timer: ReturnType<typeof setInterval>;

  static async start(o: WorkerOptions, post: Post): Promise<PeerHost> {
    const store = new Store(o.memory);
    store.onTrouble = (message) => post({ is: "event", name: "warning", detail: { message } });
    if (o.disk > 0) await store.useDisk(() => lazy.disk().then((d) => patiently(d.openDisk(o.swarm, o.disk))));
    return new PeerHost(o, store, post);
  }

  private constructor(o: WorkerOptions, store: Store, post: Post) {
    this.post = post;
    const warning = (message: string) => post({ is: "event", name: "warning", detail: { message } });
    const network = o.signal ? (this.rtc = this.network(o, warning)) : alone();
    this.node = new Node({
      swarm: o.swarm,
      store,
      network,
      requireSigned: o.requireSigned,
      core: {
        minPeers: o.minPeers,
        maxPeers: o.maxPeers,
        disconnectWebsocketOnMax: o.leaveSignalling,
        metered: o.condition.metered,
        uploadMax: o.condition.uploadMax,
      },
      events: {
        warning,
        link: (peer, up) => post({ is: "event", name: "peers", detail: { count: this.node.neighbours.size, peer, up } }),
        banned: (peer, reason) => post({ is: "event", name: "banned", detail: { peer, reason } }),
        segment: (obj) => {
          const { sources, peers } = split(obj.from);
          const ms = performance.now() - obj.born;
          post({ is: "event", name: "segment", detail: { key: obj.key, bytes: obj.assembly.size, sources, peers, ms } });
        },
      },
    });
    if (o.publicKey) void this.node.trust(o.publicKey);
    this.condition(o.condition);
    this.timer = setInterval(() => this.stats(), StatsEvery);
    this.stats();
  }

  private network(o: WorkerOptions, warn: (message: string) => void): RtcNetwork {
    const state = (swarmSize: number, connected: boolean) =>
      this.post({ is: "event", name: "signal", detail: { connected, swarmSize, settings: this.settings } });
    return new RtcNetwork({
      url: o.signal,
      swarm: o.swarm,
      token: o.token,
      maxLinks: o.maxPeers,
      iceServers: o.iceServers,
      relayOnly: o.relayOnly,
      command: (command, transfer) => this.post({ is: "rtc", command }, transfer),
      welcome: (w) => {
        this.settings = w.settings;
        // What the page itself named counts for more.
        if (w.signingKey.length && !o.publicKey) void this.node.trust(w.signingKey);
      },
      state,
      warn,
    });
  }

  take(m: Exclude<ToWorker, { to: "start" }>): void {
    switch (m.to) {
      case "request":
        return this.request(m.id, m.request);
      case "provide":
        return void provide(this.node, m.request.key, m.bytes, metaOf(new Headers(m.headers)));
      case "abort":
        return this.abort(m.id);
      case "plan":
        return this.plan(m.track, m.upcoming);
      case "position":
        return this.rtc?.setPosition(m.at);
      case "condition":
        return this.condition(m.condition);
      case "rtc":
        return this.rtc?.report(m.report);
      case "close":
        return this.close();
    }
  }

  private request(id: number, r: WorkerRequest): void {
    const now = this.node.cfg.network.now();
    const planned = this.planned(r.key);
    const resource: Resource = {
      key: r.key,
      url: r.url,
      headers: r.headers,
      credentials: r.credentials,
      first: r.range?.first ?? 0,
      last: r.range?.last ?? -1,
      available: planned?.available ?? 0,
      whole: planned?.whole ?? (r.growing ? now + (r.duration ?? 0) * 1000 : 0),
      deadline: now + r.deadline,
      duration: (r.duration ?? 0) * 1000,
      sizeHint: r.sizeHint ?? -1,
      urgent: !!r.urgent,
    };
    this.streams.set(id, this.node.get(resource, this.reader(id, r)));
  }

  private planned(key: string): Resource | undefined {
    for (const list of this.plans.values()) for (const r of list) if (r.key === key) return r;
    return undefined;
  }

  /** Passes a segment on to the page. */
  private reader(id: number, r: WorkerRequest): Reader {
    return {
      head: (s) => {
        const answer = s.object?.answer;
        const status = r.range ? 206 : 200;
        const meta = s.meta!;
        const headers: [string, string][] = answer && answer.status < 300 ? [...answer.headers] : [];
        const add = (name: string, value: string) => value && !headers.some(([n]) => n === name) && headers.push([name, value]);
        add("content-type", meta.contentType);
        add("etag", meta.etag);
        add("last-modified", meta.lastModified);
        // Lengths and ranges of an answer that peers helped with are not the origin's.
        const own = headers.filter(([name]) => !/^content-(length|range|encoding)$/.test(name));
        if (s.size >= 0) own.push(["content-length", `${s.size}`]);
        if (r.range) own.push(["content-range", `bytes ${r.range.first}-${r.range.last}/*`]);
        this.post({ is: "head", id, status, headers: own, url: answer?.url || r.url, size: s.size, hit: s.hit !== "" });
      },
      data: (s, bytes) => {
        this.node.tally.consumed += bytes.length;
        this.post({ is: "data", id, bytes, active: s.activeTime, size: s.size }, [bytes.buffer as ArrayBuffer]);
      },
      end: (s) => {
        this.streams.delete(id);
        this.stats(); // so that figures are those after this request
        this.post({ is: "end", id, ...sourcesOf(s), active: s.activeTime, size: s.size });
      },
      fail: (_, error) => {
        this.streams.delete(id);
        const origin = error instanceof StatusError ? error : undefined;
        const headers: [string, string][] = origin ? [...origin.headers] : [];
        this.post({ is: "fail", id, status: origin?.code ?? 0, message: error.message, headers, url: origin?.url ?? r.url });
      },
    };
  }

  private abort(id: number): void {
    const s = this.streams.get(id);
    this.streams.delete(id);
    s?.stop();
  }

  private plan(track: string, upcoming: PlannedSegment[]): void {
    const now = this.node.cfg.network.now();
    this.plans.delete(track);
    if (upcoming.length)
      this.plans.set(
        track,
        upcoming.map((p) => ({
          key: p.key,
          url: p.url ?? "",
          headers: p.headers,
          credentials: p.credentials,
          first: p.range?.first ?? 0,
          last: p.range?.last ?? -1,
          available: now + p.availableIn,
          whole: p.wholeIn === undefined ? 0 : now + p.wholeIn,
          deadline: now + p.dueIn,
          duration: p.duration * 1000,
          sizeHint: p.sizeHint ?? -1,
          urgent: false,
        })),
      );
    this.node.plan([...this.plans.values()].flat());
  }

  private condition(c: Condition): void {
    if (c.silent) hush(this.node);
    else this.node.silent = false;
    this.node.condition(c.metered, c.uploadMax);
    if (c.place) this.rtc?.setPlace(c.place);
    if (c.token) this.rtc?.setToken(c.token);
    this.rtc?.allow(c.signalling, c.links);
  }

  private stats(): void {
    const stats = statsOf(this.node);
    const text = JSON.stringify(stats);
    if (text === this.lastStats) return;
    this.lastStats = text;
    this.post({ is: "stats", stats });
  }

  private close(): void {
    clearInterval(this.timer);
    this.node.close();
    this.node.cfg.store.close();
  }
}

/** Rejects when it takes too long. */
function patiently<T>(work: Promise<T>): Promise<T> {
  return Promise.race([
    work,
    new Promise<never>((_, reject) => setTimeout(() => reject(new Error("IndexedDB does not answer")), DiskPatience)),
  ]);
}

/** A network of nobody, where no signalling server is named. */
function alone(): Network {
  return {
    id: "0".repeat(16),
    start() {},
    connect() {},
    discover() {},
    ban() {},
    setSignalling() {},
    deliver() {},
    now: () => performance.timeOrigin + performance.now(),
    close() {},
  };
}
