// hls.js 1.6 and later. A subclass of Hls brings a fragment loader of ours, for segments,
// parts and init segments, and looks on while playlists are loaded by the page's own.
import type { PlannedSegment, SegmentReply, SegmentRequest } from "../engine.ts";
import type { Options } from "../options.ts";
import { attached, type Attached } from "./attached.ts";
import { hlsInitKey, keyFault } from "./key.ts";
import { setUp, type Setup } from "./hlssetup.ts";
import { mainTrack, playlistURL, trackNames } from "./hlsnames.ts";
import { due, horizon, playback, type Playhead } from "./playhead.ts";
import { safely } from "./safely.ts";
import { Session } from "./session.ts";
import { join, OriginError, transfer } from "./transfer.ts";

/* What is used of hls.js's classes. */
interface Fragment {
  sn: number | "initSegment";
  start: number;
  duration: number;
  url: string;
  base: { url: string };
  byteRange: [number, number] | [];
  type: string;
  initSegment?: Fragment | null;
  gap?: boolean;
  bitrate?: number | null;
}
interface Part {
  index: number;
  duration: number;
  start: number;
  url: string;
  byteRange: [number, number] | [];
  fragment: Fragment;
  gap?: boolean;
}
interface Details {
  url: string;
  fragments: Fragment[];
  partList?: Part[] | null;
  partTarget: number;
  live: boolean;
  endSN: number;
  targetduration: number;
  averagetargetduration?: number;
}
interface Context {
  url: string;
  type: string;
  frag: Fragment;
  part?: Part | null;
  headers?: Record<string, string>;
  rangeStart?: number;
  rangeEnd?: number;
  resetIV?: boolean;
}
interface Policy {
  maxTimeToFirstByteMs: number;
  maxLoadTimeMs: number;
}
interface Loader {
  context: Context | null;
  stats: any;
  load(context: Context, config: any, callbacks: any): void;
  abort(): void;
  destroy(): void;
  getCacheAge?(): number | null;
  getResponseHeader?(name: string): string | null;
}
type LoaderClass = new (config: any) => Loader;

/** Hls or a subclass of it. */
export type HlsClass = (new (config?: any) => any) & { DefaultConfig: any };

/** A playlist as seen last, and when its segments came to be seen. */
interface Playlist {
  details: Details;
  /** Earliest that segment 0 can have been there, as seen: performance.now() − number × duration. */
  anchors: number[];
}

/** Observations of a playlist's edge that are kept to foretell the next segment. */
const maxAnchors = 8;

/** One Hls object. */
class Watch {
  readonly session: Session;
  hls: any;
  private names = new Map<string, string>();
  private readonly playlists = new Map<string, Playlist>();
  /** The track that each kind of media is played from. */
  private readonly tracks = new Map<string, string>();

  constructor(options?: Options) {
    this.session = new Session(options);
  }

  /** A playlist came: address is where it was asked for, final where it came from. */
  playlist(kind: string, address: string, final: string, text: unknown): void {
    if (kind == "manifest" && typeof text == "string") {
      this.names = trackNames(text, final) ?? new Map([[playlistURL(address), mainTrack]]);
      this.playlists.clear();
    }
    const name = this.names.get(playlistURL(address));
    if (name) this.names.set(playlistURL(final), name);
  }

  /** hls.js has read a playlist. */
  observe(details: Details): void {
    const at = playlistURL(details.url);
    const before = this.playlists.get(at);
    const anchors = before?.anchors ?? [];
    if (before && before.details.endSN != details.endSN) {
      anchors.push(performance.now() - details.endSN * mean(details));
      if (anchors.length > maxAnchors) anchors.shift();
    }
    this.playlists.set(at, { details, anchors });
  }

  head(): Playhead {
    const live = [...this.playlists.values()].some((p) => p.details.live);
    return playback(this.hls?.media, live);
  }

  name(c: Context): { track: string; key: string } | undefined {
    const { frag, part } = c;
    const at = playlistURL(frag.base.url);
    const track = this.names.get(at);
    // A decryption that reads another range than the playlist names is not the segment.
    if (!track || c.resetIV || frag.gap || part?.gap) return undefined;
    let key: string;
    if (frag.sn == "initSegment") {
      const [first, end] = frag.byteRange;
      if (c.rangeEnd && (c.rangeStart != first || c.rangeEnd != end)) return undefined;
      const own = new URL(frag.url || c.url);
      // Two sections of one playlist that differ in the query only have one name: not shared.
      const unclear = this.playlists.get(at)?.details.fragments.some(({ initSegment: i }) => {
        if (!i?.url || i.byteRange[0] != first || i.byteRange[1] != end) return false;
        const other = new URL(i.url);
        return other.pathname == own.pathname && other.search != own.search;
      });
      if (unclear) return undefined;
      key = hlsInitKey(track, own.pathname, end ? { first: first!, last: end - 1 } : undefined);
    } else {
      key = `${track}/${frag.sn}${part ? "." + part.index : ""}`;
    }
    return keyFault(key) ? undefined : { track, key };
  }

  plan(c: Context, track: string, head: Playhead, setup: Setup): void {
    const { frag, part } = c;
    const before = this.tracks.get(frag.type);
    if (before && before != track) this.session.plan(before, []);
    this.tracks.set(frag.type, track);
    this.session.engine()?.playback(head);
    const p = this.playlists.get(playlistURL(frag.base.url));
    if (frag.sn != "initSegment" && p) this.session.plan(track, upcoming(p, track, frag, part ?? null, this.session, head, setup));
  }
}

const mean = (d: Details) => d.averagetargetduration || d.targetduration || 1;

const rangeOf = (s: { byteRange: [number, number] | [] }) => (s.byteRange.length ? { range: { first: s.byteRange[0]!, last: s.byteRange[1]! - 1 } } : {});

/** What comes after a segment or part: listed first, then by number alone. */
function upcoming(p: Playlist, track: string, frag: Fragment, part: Part | null, session: Session, head: Playhead, { headers, credentials }: Setup): PlannedSegment[] {
  const { details } = p;
  const planned: PlannedSegment[] = [];
  const ahead = session.ahead(details.targetduration);
  const listed = (key: string, s: Fragment | Part) => {
    const dueIn = due(head, s.start);
    if (s.gap || (!details.live && dueIn > ahead && planned.length >= 2)) return;
    planned.push({ key, url: s.url, headers, credentials, availableIn: 0, dueIn, duration: s.duration, ...rangeOf(s) });
  };
  const number = frag.sn as number;
  if (part) {
    for (const q of details.partList ?? []) {
      const n = q.fragment.sn as number;
      if (n > number || (n == number && q.index > part.index)) listed(`${track}/${n}.${q.index}`, q);
    }
  } else {
    for (const f of details.fragments) if ((f.sn as number) > number && planned.length < horizon) listed(`${track}/${f.sn}`, f);
  }
  if (!details.live || !p.anchors.length) return planned;
  const length = mean(details);
  const end = details.fragments[details.fragments.length - 1];
  const edge = Math.min(...p.anchors) + details.endSN * length - performance.now();
  const startAfter = (end?.start ?? 0) + (end?.duration ?? 0);
  if (!part) {
    for (let k = 1; planned.length < horizon && edge + k * length * 1000 <= ahead; k++) {
      planned.push({ key: `${track}/${details.endSN + k}`, availableIn: edge + k * length * 1000, dueIn: due(head, startAfter + (k - 1) * length), duration: length });
    }
    return planned;
  }
  // Parts of the segment in production and of the next, as many as a segment usually has.
  const target = details.partTarget || length;
  const each = Math.max(1, Math.round(length / target));
  const last = details.partList?.[details.partList.length - 1];
  const lastNumber = (last?.fragment.sn as number | undefined) ?? details.endSN;
  let [n, index] = lastNumber > details.endSN ? [lastNumber, last!.index + 1] : [details.endSN + 1, 0];
  for (let k = 1; planned.length < horizon && k * target * 1000 <= ahead; k++, index++) {
    if (index >= each) [n, index] = [n + 1, 0];
    planned.push({ key: `${track}/${n}.${index}`, availableIn: k * target * 1000, dueIn: due(head, (last ? last.start + last.duration : startAfter) + (k - 1) * target), duration: target });
  }
  return planned;
}

/** Fresh LoaderStats. */
const newStats = () => ({
  aborted: false, loaded: 0, retry: 0, total: 0, chunkCount: 0, bwEstimate: 0,
  loading: { start: 0, first: 0, end: 0 }, parsing: { start: 0, end: 0 }, buffering: { start: 0, first: 0, end: 0 },
});

function fragmentLoader(watch: Watch, Plain: LoaderClass): LoaderClass {
  return class implements Loader {
    context: Context | null = null;
    stats: any = newStats();
    private readonly config: any;
    private readonly stop = new AbortController();
    private callbacks: any;
    private plain: Loader | undefined;
    private reply: SegmentReply | undefined;
    private timer: ReturnType<typeof setTimeout> | undefined;

    constructor(config: any) {
      this.config = config;
    }

    load(context: Context, config: any, callbacks: any): void {
      this.context = context;
      this.callbacks = callbacks;
      const named = watch.session.engine() && safely(() => watch.name(context));
      if (!named) return this.loadPlain(context, config, callbacks);
      this.stats.loading.start = performance.now();
      void this.run(context, config, named);
    }

    private async run(context: Context, config: any, named: { track: string; key: string }): Promise<void> {
      const { stats } = this;
      const { loading } = stats;
      const policy: Policy = config.loadPolicy;
      const { frag, part } = context;
      const head = watch.head();
      const segment = part ?? frag;
      const media = frag.sn != "initSegment";
      const setup = await setUp(this.config, context).catch(() => undefined);
      if (this.stop.signal.aborted) return;
      if (!setup) return this.loadPlain(context, config, this.callbacks);
      const request: SegmentRequest = {
        ...setup,
        key: named.key,
        deadline: media ? due(head, segment.start) : 0,
        urgent: head.starved,
        signal: this.stop.signal,
        ...(context.rangeEnd && { range: { first: context.rangeStart!, last: context.rangeEnd - 1 } }),
        ...(media && { duration: segment.duration }),
        ...(media && frag.bitrate && { sizeHint: Math.round((frag.bitrate * segment.duration) / 8) }),
      };
      this.arm(policy.maxTimeToFirstByteMs || policy.maxLoadTimeMs, context);
      const progressive = this.callbacks.onProgress && Number.isFinite(config.highWaterMark) && !part;
      const chunks: Uint8Array[] = [];
      let unsent = 0;
      const flush = () => {
        if (!unsent) return;
        this.callbacks?.onProgress(stats, context, join(chunks).buffer, this.reply);
        chunks.length = unsent = 0;
      };
      try {
        const arriving = transfer(
          watch.session,
          request,
          (reply) => {
            this.reply = reply;
            loading.first = Math.max(performance.now(), loading.start);
            if (reply.size > 0) stats.total = reply.size;
            this.arm(policy.maxLoadTimeMs - (loading.first - loading.start), context);
          },
          (bytes, reply) => {
            chunks.push(bytes);
            stats.loaded += bytes.length;
            unsent += bytes.length;
            if (progressive && reply.status < 300 && unsent >= config.highWaterMark) flush();
          },
        );
        // After the request: what was planned of this segment is on its way, and goes on.
        safely(() => watch.plan(context, named.track, head, setup));
        const reply = await arriving;
        clearTimeout(this.timer);
        const { callbacks } = this;
        if (!callbacks) return;
        if (reply.status < 200 || reply.status >= 300) {
          callbacks.onError({ code: reply.status, text: "" }, context, reply, stats);
          return;
        }
        // What counts as loading is the time in which bytes arrived, not waits in between.
        loading.end = Math.max(performance.now(), loading.first);
        loading.first = Math.max(loading.first, loading.end - reply.activeTime());
        stats.total = stats.loaded;
        stats.bwEstimate = (stats.total * 8000) / Math.max(loading.end - loading.first, 1);
        if (progressive) flush();
        const data = progressive ? new ArrayBuffer(0) : join(chunks).buffer;
        if (!progressive) callbacks.onProgress?.(stats, context, data, reply);
        callbacks.onSuccess({ url: reply.url, data, code: reply.status }, stats, context, reply);
      } catch (error) {
        clearTimeout(this.timer);
        if (this.stop.signal.aborted || !this.callbacks) return;
        if (error instanceof OriginError) {
          this.callbacks.onError({ code: error.status, text: error.message }, context, error, stats);
          return;
        }
        if (progressive && stats.loaded > unsent) {
          this.callbacks.onError({ code: 0, text: String(error) }, context, null, stats); // parts of it were played: hls.js asks again
          return;
        }
        this.loadPlain(context, config, this.callbacks);
      }
    }

    /** hls.js's own loader, from the start. */
    private loadPlain(context: Context, config: any, callbacks: any): void {
      this.plain = new Plain(this.config);
      Object.assign(this.stats, { loaded: 0, total: 0 });
      Object.assign(this.stats.loading, { start: 0, first: 0, end: 0 });
      this.plain.stats = this.stats;
      this.plain.load(context, config, callbacks);
    }

    private arm(after: number, context: Context): void {
      clearTimeout(this.timer);
      if (!Number.isFinite(after)) return;
      this.timer = setTimeout(() => {
        this.stop.abort();
        this.callbacks?.onTimeout(this.stats, context, this.reply ?? null);
      }, after);
    }

    private quit(): void {
      clearTimeout(this.timer);
      if (!this.stats?.loading.end) this.stats.aborted = true;
      this.stop.abort();
    }

    abort(): void {
      if (this.plain) return this.plain.abort();
      if (this.stop.signal.aborted) return;
      this.quit();
      this.callbacks?.onAbort?.(this.stats, this.context, this.reply ?? null);
    }

    destroy(): void {
      this.plain?.destroy();
      if (!this.plain) this.quit();
      this.callbacks = this.context = null;
    }

    getCacheAge(): number | null {
      if (this.plain) return this.plain.getCacheAge?.() ?? null;
      const age = this.reply?.headers.get("age");
      return age ? parseFloat(age) : null;
    }

    getResponseHeader(name: string): string | null {
      return this.plain ? (this.plain.getResponseHeader?.(name) ?? null) : (this.reply?.headers.get(name) ?? null);
    }
  };
}

function playlistLoader(watch: Watch, Plain: LoaderClass): LoaderClass {
  return class extends Plain {
    override load(context: Context, config: any, callbacks: any): void {
      if (context.type == "manifest") watch.session.open(context.url);
      super.load(context, config, {
        ...callbacks,
        onSuccess(response: any, ...rest: any[]) {
          safely(() => watch.playlist(context.type, context.url, response.url || context.url, response.data));
          callbacks.onSuccess(response, ...rest);
        },
      });
    }
  };
}

/**
 * A class to use in place of Hls: `const hls = new (shoal.attachHls(Hls))()`. Its objects
 * have a `shoal` property with figures.
 */
export function attachHls<T extends HlsClass>(Hls: T, options?: Options): T {
  const Base = Hls as HlsClass;
  const Ours = class extends Base {
    readonly shoal: Attached;
    constructor(config: any = {}) {
      const watch = new Watch(options);
      const usual: LoaderClass = config.loader ?? Base.DefaultConfig.loader;
      super({
        ...config,
        fLoader: fragmentLoader(watch, config.fLoader ?? usual),
        pLoader: playlistLoader(watch, config.pLoader ?? usual),
      });
      const hls = this as any;
      watch.hls = hls;
      const observe = (_: string, data: { details?: Details }) => void (data.details && safely(() => watch.observe(data.details!)));
      for (const event of ["hlsLevelLoaded", "hlsLevelUpdated", "hlsAudioTrackLoaded", "hlsAudioTrackUpdated", "hlsSubtitleTrackLoaded"]) hls.on(event, observe);
      this.shoal = attached(watch.session, () => {});
    }
    destroy(): void {
      (Base.prototype as any).destroy.call(this);
      this.shoal.close();
    }
  };
  return Ours as unknown as T;
}

