// Shaka Player 4.12 and later. A request filter tells which segment a request is for, a
// scheme plugin fetches it; what a manifest says is read as it passes a response filter.
import type { PlannedSegment, SegmentReply, SegmentRequest } from "../engine.ts";
import type { Options } from "../options.ts";
import { attached, type Attached } from "./attached.ts";
import { playlistURL, trackNames, mainTrack } from "./hlsnames.ts";
import { keyFault, type Range } from "./key.ts";
import { following, keyOf, startOf } from "./mpd.ts";
import { MPDIndex, type Found } from "./mpdindex.ts";
import { parsePlaylist, resource, type MediaPlaylist } from "./playlist.ts";
import { due, horizon, playback, type Playhead } from "./playhead.ts";
import { safely } from "./safely.ts";
import { Session } from "./session.ts";
import { join, OriginError, parseRange, transfer } from "./transfer.ts";

/* What is used of Shaka's types; its own are not needed at build time. */
interface Request {
  uris: string[];
  method: string;
  headers: Record<string, string>;
  allowCrossSiteCredentials: boolean;
  retryParameters: { timeout: number };
  streamDataCallback?: ((bytes: Uint8Array) => Promise<void>) | null;
}
interface Reference {
  getUris(): string[];
  getStartTime(): number;
  getEndTime(): number;
  getStartByte(): number;
  getEndByte(): number | null;
}
interface RequestContext {
  stream?: { type?: string };
  segment?: Reference;
}

/** One segment as a manifest names it, and what follows it. */
interface Named {
  track: string;
  key: string;
  range?: Range;
  duration?: number;
  start?: number;
  /** key, url, range, start and duration of those that come after; url unknown: not listed yet. */
  after(): Iterable<{ key: string; url?: string; range?: Range; start: number; duration: number }>;
}

/** Shaka wants progress this often, in milliseconds. */
const progressEvery = 100;

/** Requests that tell where the live edge is. */
const maxEdges = 16;

/** Which player a request is from, and what it is for. */
const requests = new WeakMap<Request, { watch: Watch; context: RequestContext }>();

class Watch {
  readonly session: Session;
  private readonly player: any;
  private mpd: MPDIndex | undefined;
  private names = new Map<string, string>();
  private playlists = new Map<string, MediaPlaylist>();
  private readonly tracks = new Map<string, string>();
  /** Ends of the segments asked for last, in seconds before performance.now(). */
  private readonly edges: number[] = [];

  constructor(player: any, options?: Options) {
    this.player = player;
    this.session = new Session(options);
  }

  manifest(address: string, final: string, data: BufferSource): void {
    const text = new TextDecoder().decode(data).replace(/^\uFEFF/, "");
    if (/^\s*#EXTM3U/.test(text)) {
      const names = trackNames(text, final);
      if (names || !this.names.size) {
        this.names = names ?? new Map([[playlistURL(address), mainTrack]]);
        this.playlists = new Map();
      }
      const track = this.names.get(playlistURL(address));
      if (track && !names) this.playlists.set(track, parsePlaylist(text, final, track));
    } else if (/<(\w+:)?MPD[\s>]/.test(text)) {
      this.mpd = new MPDIndex(text, final);
    }
  }

  /** Names a request by the segment reference that Shaka made it for; an init segment by its resource. */
  name(request: Request, context: RequestContext): Named | undefined {
    const { segment } = context;
    const uris = segment ? segment.getUris() : request.uris;
    const start = segment?.getStartTime();
    const range = segment
      ? segment.getStartByte() || segment.getEndByte()
        ? { first: segment.getStartByte(), last: segment.getEndByte() ?? -1 }
        : undefined
      : parseRange(request.headers["Range"]);
    if (range && range.last < 0) return undefined;
    for (const uri of uris) {
      const named = this.mpd ? fromMPD(this.mpd.find(uri, start, range)) : this.fromPlaylist(uri, range, start);
      if (named && !keyFault(named.key)) return { ...named, ...(segment && { start: start!, duration: segment.getEndTime() - start! }) };
    }
    return undefined;
  }

  private fromPlaylist(uri: string, range: Range | undefined, start = 0): Named | undefined {
    for (const p of this.playlists.values()) {
      const e = p.byResource.get(resource(uri, range)) ?? p.byResource.get(resource(uri));
      if (!e) continue;
      return {
        track: p.track,
        key: e.key,
        ...(range && { range }),
        *after() {
          const { entries } = p;
          for (let i = entries.indexOf(e) + 1; i > 0 && i < entries.length; i++) {
            const { key, url, range, start: at, duration, part } = entries[i]!;
            if (part == e.part) yield { key, url, start: start + at - e.start, duration, ...(range && { range }) };
          }
          const last = entries[entries.length - 1];
          if (!p.live || !last || !e.duration) return;
          let at = start + last.start + last.duration - e.start;
          const each = Math.max(1, Math.round(p.target / e.duration));
          let [n, i] = [p.next, p.nextPart];
          for (;;) {
            if (e.part && i >= each) [n, i] = [n + 1, 0];
            yield { key: `${p.track}/${e.part ? `${n}.${i++}` : n++}`, start: at, duration: e.duration };
            at += e.duration;
          }
        },
      };
    }
    return undefined;
  }

  head(): Playhead {
    return playback(this.player.getMediaElement?.(), !!this.player.isLive?.());
  }

  plan(named: Named, context: RequestContext, request: Request, head: Playhead, headers: Record<string, string>): void {
    if (named.start == undefined) return;
    const kind = context.stream?.type ?? "";
    const before = this.tracks.get(kind);
    if (before && before != named.track) this.session.plan(before, []);
    this.tracks.set(kind, named.track);
    this.session.engine()?.playback(head);
    const ahead = this.session.ahead(named.duration ?? 0);
    const now = performance.now() / 1000;
    // A live segment that is asked for is there: the edge is at its end, or further on.
    this.edges.push(named.start + named.duration! - now);
    if (this.edges.length > maxEdges) this.edges.shift();
    const edge = head.live ? Math.max(...this.edges) + now : Infinity;
    const planned: PlannedSegment[] = [];
    for (const s of named.after()) {
      const availableIn = head.live ? (s.start + s.duration - edge) * 1000 : 0;
      const dueIn = due(head, s.start);
      if (planned.length >= horizon || (head.live ? availableIn > ahead : dueIn > ahead && planned.length >= 2)) break;
      const { key, url, range, duration } = s;
      planned.push({ key, duration, availableIn, dueIn, ...(range && { range }), ...(url && { url, headers, credentials: credentialsOf(request) }) });
    }
    this.session.plan(named.track, planned);
  }
}

const credentialsOf = (request: Request): RequestCredentials => (request.allowCrossSiteCredentials ? "include" : "same-origin");

function fromMPD(found: Found | undefined): Named | undefined {
  if (!found) return undefined;
  const { ladder, slot, url } = found;
  return {
    track: found.track,
    key: found.key,
    ...(found.range && { range: found.range }),
    *after() {
      if (!ladder || !slot) return;
      for (const s of following(ladder, slot)) {
        yield { key: keyOf(ladder, s), url: url(s), start: startOf(ladder, s), duration: s.length / ladder.timescale };
      }
    },
  };
}

/** Asks the engine, as a scheme plugin of Shaka does it. */
function plugin(shaka: any, plain: any) {
  return (uri: string, request: Request, type: number, progressUpdated: any, headersReceived: any, config: any): any => {
    const of = requests.get(request);
    const named =
      of?.watch.session.engine() && type == shaka.net.NetworkingEngine.RequestType.SEGMENT && request.method == "GET"
        ? safely(() => of.watch.name(request, of.context))
        : undefined;
    const ask = () => plain(uri, request, type, progressUpdated, headersReceived, config);
    if (!of || !named) return ask();
    const { watch, context } = of;
    const { Error: ShakaError, AbortableOperation } = shaka.util;
    const failure = (code: string, ...data: unknown[]) =>
      new ShakaError(ShakaError.Severity.RECOVERABLE, ShakaError.Category.NETWORK, ShakaError.Code[code], uri, ...data);
    const refused = ({ status, headers, url }: SegmentReply | OriginError, text: string) =>
      failure("BAD_HTTP_STATUS", status, text, Object.fromEntries(headers), type, url);
    const stop = new AbortController();
    let fallback: any;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const run = async () => {
      const head = watch.head();
      const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => name.toLowerCase() != "range"));
      const asked: SegmentRequest = {
        key: named.key,
        url: uri,
        headers,
        credentials: credentialsOf(request),
        deadline: named.start == undefined ? 0 : due(head, named.start),
        urgent: head.starved,
        growing: !!request.streamDataCallback,
        signal: stop.signal,
        ...(named.range && { range: named.range }),
        ...(named.duration && { duration: named.duration }),
      };
      const chunks: Uint8Array[] = [];
      let [loaded, told, toldAt, active] = [0, 0, performance.now(), 0];
      const progress = (reply: SegmentReply, remaining: number) => {
        const now = reply.activeTime();
        progressUpdated(Math.max(now - active, 1), loaded - told, remaining);
        [told, toldAt, active] = [loaded, performance.now(), now];
      };
      // Shaka reads a growing segment in order, one call at a time.
      let fed = Promise.resolve();
      const head_ = (reply: SegmentReply) => headersReceived(Object.fromEntries(reply.headers));
      try {
        const arriving = transfer(watch.session, asked, head_, (bytes, reply) => {
          chunks.push(bytes);
          loaded += bytes.length;
          const feed = request.streamDataCallback;
          if (feed && reply.status < 300) fed = fed.then(() => feed(bytes));
          if (!reply.hit && performance.now() - toldAt > progressEvery && loaded - told >= (config?.minBytesForProgressEvents ?? 0)) {
            progress(reply, Math.max(reply.size - loaded, 0));
          }
        });
        // After the request: what was planned of this segment is on its way, and goes on.
        safely(() => watch.plan(named, context, request, head, asked.headers!));
        const reply = await arriving;
        await fed;
        if (!reply.hit) progress(reply, 0);
        const data = join(chunks).buffer;
        if (reply.status < 200 || reply.status > 299 || reply.status == 202) throw refused(reply, new TextDecoder().decode(data));
        const headers = Object.fromEntries(reply.headers);
        return { uri: reply.url || uri, originalUri: uri, data, status: reply.status, headers, fromCache: reply.hit, originalRequest: request };
      } catch (error) {
        if (error instanceof ShakaError) throw error;
        if (error instanceof OriginError) throw refused(error, "");
        if (stop.signal.reason == "timeout") throw failure("TIMEOUT", type);
        if (stop.signal.aborted) throw failure("OPERATION_ABORTED", type);
        if (request.streamDataCallback && loaded) throw failure("HTTP_ERROR", error, type); // half of it was used: Shaka asks again
        fallback = ask();
        return fallback.promise;
      } finally {
        clearTimeout(timer);
      }
    };
    if (request.retryParameters.timeout) timer = setTimeout(() => stop.abort("timeout"), request.retryParameters.timeout);
    return new AbortableOperation(run(), () => {
      stop.abort();
      return fallback ? fallback.abort() : Promise.resolve();
    });
  };
}

/** Shaka namespaces whose schemes are ours already: plugins are shared by all players. */
const registered = new WeakSet<object>();

/** Before player.load(). */
export function attachShaka(shaka: any, player: any, options?: Options): Attached {
  const watch = new Watch(player, options);
  const { NetworkingEngine, HttpFetchPlugin } = shaka.net;
  if (!registered.has(shaka)) {
    registered.add(shaka);
    const ours = plugin(shaka, HttpFetchPlugin.parse);
    for (const scheme of ["http", "https"]) NetworkingEngine.registerScheme(scheme, ours, NetworkingEngine.PluginPriority.APPLICATION, true);
  }
  const { MANIFEST, SEGMENT } = NetworkingEngine.RequestType;
  const onRequest = (type: number, request: Request, context?: RequestContext) => {
    if (type == MANIFEST && !watch.session.swarm) watch.session.open(request.uris[0]!);
    if (type == SEGMENT) requests.set(request, { watch, context: context ?? {} });
  };
  const onResponse = (type: number, response: any) => {
    if (type == MANIFEST) safely(() => watch.manifest(response.originalUri, response.uri, response.data));
  };
  const network = player.getNetworkingEngine();
  network.registerRequestFilter(onRequest);
  network.registerResponseFilter(onResponse);
  const onUnload = () => watch.session.close();
  player.addEventListener?.("unloading", onUnload);
  return attached(watch.session, () => {
    network.unregisterRequestFilter(onRequest);
    network.unregisterResponseFilter(onResponse);
    player.removeEventListener?.("unloading", onUnload);
  });
}
