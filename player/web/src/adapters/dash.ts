// dash.js 5. Its loaders are extended: media and init segments come from the engine, all
// else (manifests, indexes, clocks, licences) goes through dash.js's own loader.
import type { PlannedSegment, SegmentReply, SegmentRequest } from "../engine.ts";
import type { Options } from "../options.ts";
import { attached, type Attached } from "./attached.ts";
import { BoxSplitter } from "./boxes.ts";
import { dashTrack, keyFault } from "./key.ts";
import { expand, following, keyOf, ladderOf, list, placePeriods, representationName, slotAt, startOf, type Element, type Ladder, type Slot } from "./mpd.ts";
import { due, horizon, playback, type Playhead } from "./playhead.ts";
import { safely } from "./safely.ts";
import { Session } from "./session.ts";
import { join, OriginError, parseRange, transfer } from "./transfer.ts";

/** What is used of dash.js's MediaPlayer. */
export interface DashPlayer {
  extend(name: string, instance: object, override: boolean): void;
  updateSettings(settings: object): void;
  on(event: string, listener: (e: any) => void): void;
  off(event: string, listener: (e: any) => void): void;
  getVideoElement(): HTMLVideoElement;
  isDynamic(): boolean;
}

/** dash.js's FragmentRequest, as far as it is used. */
interface FragmentRequest {
  type: string;
  url: string;
  range?: string | null;
  index?: number;
  startTime?: number;
  duration?: number;
  bandwidth?: number;
  mediaType?: string;
  availabilityStartTime?: Date;
  availabilityTimeComplete?: boolean;
  isPartialSegmentRequest?: boolean;
  representation?: any;
}

/** CommonMediaRequest and CommonMediaResponse. */
interface MediaRequest {
  url: string;
  headers?: Record<string, string>;
  credentials?: RequestCredentials;
  timeout?: number;
  customData: {
    request: FragmentRequest;
    onprogress?: (event: object) => void;
    onloadend?: () => void;
    onabort?: () => void;
    ontimeout?: (event: object) => void;
    abort?: () => void;
  };
}
interface MediaResponse {
  url?: string;
  status?: number;
  statusText?: string;
  headers?: Record<string, string>;
  data?: ArrayBuffer;
}

/** What one segment is, read off its request. */
interface Named {
  track: string;
  key: string;
  range?: { first: number; last: number };
  ladder?: Ladder;
  slot?: Slot;
}

/** XMLHttpRequest reports progress about this often, in milliseconds. */
const progressEvery = 50;

/** Names the segment of a request by what dash.js says of it; undefined: not to be shared. */
export function nameOf(r: FragmentRequest): Named | undefined {
  const representation = r.representation;
  const period = representation?.adaptation?.period;
  const mpd: Element | undefined = period?.mpd?.manifest;
  if (!mpd || r.isPartialSegmentRequest) return undefined;
  const at = { period: period.index, set: representation.adaptation.index, index: representation.index };
  const periods = placePeriods(mpd);
  const track = dashTrack(periods[at.period]!.key, representationName(list(mpd["Period"])[at.period]!, at.set, at.index));
  const range = parseRange(r.range);
  const named = (key: string, more?: Partial<Named>): Named | undefined =>
    keyFault(key) ? undefined : { track, key, ...(range && { range }), ...more };
  if (r.type == "InitializationSegment") {
    // A guessed range (a file whose index is not known yet) is not the init segment's.
    return r.range && r.range != representation.range ? undefined : named(track + "/init");
  }
  if (representation.segmentInfoType == "SegmentBase" || representation.segmentInfoType == "BaseURL") {
    return range && named(`${track}/${range.first}-${range.last}`);
  }
  const ladder = ladderOf(mpd, at, periods);
  const first = ladder?.runs[0];
  if (!ladder || !first) return undefined;
  let slot: Slot | undefined;
  if (ladder.uniform) {
    // dash.js counts a SegmentList's segments from startNumber − 1, a template's from 0.
    const i = r.index! - (ladder.media ? 0 : Math.max(first.number - 1, 0));
    // Its $Time$ leaves presentationTimeOffset out: the key follows what is fetched.
    if (ladder.byTime && ladder.offset) return named(`${track}/t${i * first.length}`);
    slot = { number: first.number + i, time: first.time + i * first.length, length: first.length };
  } else {
    slot = slotAt(ladder, r.startTime!);
  }
  return slot && named(keyOf(ladder, slot), { ladder, slot });
}

/**
 * The segments after the one requested, known and foretold. Their URLs follow from the
 * request's own: what its template does not account for stays as it is.
 */
export function upcoming(r: FragmentRequest, n: Named, request: MediaRequest, ahead: number, now: number, head: Playhead): PlannedSegment[] {
  const planned: PlannedSegment[] = [];
  const representation = r.representation;
  const headers = Object.entries(request.headers ?? {}).filter(([name]) => !/^(range|cmcd-)/i.test(name));
  const add = (key: string, start: number, duration: number, url?: string, range?: { first: number; last: number }): boolean => {
    const live = r.availabilityStartTime && head.live;
    const availableIn = live ? r.availabilityStartTime!.getTime() + (start + duration - r.startTime! - r.duration!) * 1000 - now : 0;
    const dueIn = due(head, start);
    if (live ? availableIn > ahead : dueIn > ahead && planned.length >= 2) return false;
    planned.push({
      key, duration, dueIn, availableIn,
      ...(live && r.availabilityTimeComplete === false && { wholeIn: availableIn + (+representation.availabilityTimeOffset || 0) * 1000 }),
      ...(url && { url, headers: Object.fromEntries(headers), credentials: request.credentials ?? "omit" }),
      ...(range && { range }),
    });
    return planned.length < horizon;
  };
  if (!n.ladder) {
    for (const s of representation.segments ?? []) {
      const range = parseRange(s.mediaRange);
      if (s.index > r.index! && range && !add(`${n.track}/${range.first}-${range.last}`, s.presentationStartTime, s.duration, r.url, range)) break;
    }
    return planned;
  }
  const ladder = n.ladder;
  const fill = (s: Slot) => expand(ladder.media, representation, s);
  const at = ladder.media ? r.url.lastIndexOf(fill(n.slot!)) : -1;
  for (const s of following(ladder, n.slot!)) {
    const url = at < 0 ? undefined : r.url.slice(0, at) + fill(s) + r.url.slice(at + fill(n.slot!).length);
    if (!add(keyOf(ladder, s), startOf(ladder, s), s.length / ladder.timescale, url)) break;
  }
  return planned;
}

/** Two lines on a page: this, before player.initialize(), and the script. */
export function attachDash(player: DashPlayer, options?: Options): Attached {
  const session = new Session(options);
  let clockOffset = 0;
  /** The track that each kind of media is played from. */
  const tracks = new Map<string, string>();
  const onClock = (e: { offset?: number }) => void (clockOffset = e.offset || 0);
  const view = () => {
    try {
      return playback(player.getVideoElement(), player.isDynamic());
    } catch {
      return playback(undefined, false); // no view attached, or nothing loaded yet
    }
  };

  const loader = (streaming: boolean) =>
    function (this: { parent: any }) {
      // Extending writes over the parent's own methods: keep them.
      const plain = { ...this.parent };
      let latest: (() => void) | undefined;
      return {
        load(request: MediaRequest, response: MediaResponse): unknown {
          const r = request.customData?.request;
          if (r?.type == "MPD") session.open(r.url);
          const named = r && /^(Media|Initialization)Segment$/.test(r.type) && session.engine() ? safely(() => nameOf(r)) : undefined;
          if (!named) return plain.load(request, response);
          const abort = new AbortController();
          let over = false;
          latest = request.customData.abort = () => {
            if (over || abort.signal.aborted) return;
            abort.abort();
            request.customData.onabort?.(); // at once, as an XMLHttpRequest does
          };
          void run(request, response, named, abort, streaming).then((done) => {
            over = true;
            if (!done) plain.load(request, response);
          });
          return true;
        },
        abort(): void {
          latest?.();
          plain.abort?.();
        },
      };
    };

  /** False: the engine failed before anything was handed over, ask plainly. */
  async function run(request: MediaRequest, response: MediaResponse, n: Named, abort: AbortController, streaming: boolean): Promise<boolean> {
    const data = request.customData;
    const r = data.request;
    const head = view();
    const media = r.type == "MediaSegment";
    const asked: SegmentRequest = {
      key: n.key,
      url: request.url,
      headers: Object.fromEntries(Object.entries(request.headers ?? {}).filter(([name, value]) => value && name.toLowerCase() != "range")),
      credentials: request.credentials ?? "omit",
      deadline: media ? due(head, r.startTime!) : 0,
      urgent: head.starved,
      growing: streaming,
      signal: abort.signal,
      ...(n.range && { range: n.range }),
      ...(media && { duration: r.duration!, sizeHint: Math.round((r.bandwidth! * r.duration!) / 8) }),
    };
    const stopTimer = request.timeout ? setTimeout(() => abort.abort("timeout"), request.timeout) : undefined;
    const box = streaming ? new BoxSplitter() : undefined;
    const chunks: Uint8Array[] = [];
    let [loaded, active, told] = [0, 0, 0];
    const answer = ({ status, url, headers }: SegmentReply | OriginError, bytes?: ArrayBuffer) => {
      Object.assign(response, { status, url, statusText: "", headers: Object.fromEntries(headers), ...(bytes && { data: bytes }) });
      data.onloadend?.();
    };
    const progress = (reply: SegmentReply, more: object = {}) => {
      const now = reply.activeTime();
      const total = reply.size < 0 ? loaded : reply.size;
      // dash.js takes `time` for the time since the last event; 0 would mean wall-clock time.
      data.onprogress?.({ lengthComputable: reply.size >= 0, loaded, total, time: Math.max(now - active, 0.001), ...more });
      [active, told] = [now, performance.now()];
    };
    try {
      const arriving = transfer(
        session,
        asked,
        // The first event ends the wait for the first byte; it counts as latency.
        (reply) => (box ? data.onprogress?.({ lengthComputable: false, noTrace: true }) : progress(reply, { time: undefined })),
        (bytes, reply) => {
          loaded += bytes.length;
          if (!box) {
            chunks.push(bytes);
            if (performance.now() - told >= progressEvery && loaded < reply.size) progress(reply);
            return;
          }
          const whole = box.push(bytes);
          if (whole) data.onprogress?.({ data: whole.buffer, lengthComputable: false, noTrace: true });
        },
      );
      // After the request: what was planned of this segment is on its way, and goes on.
      if (media) safely(() => replan(r, n, request, head));
      const reply = await arriving;
      progress(reply, { lengthComputable: true, total: loaded });
      answer(reply, (box ? box.rest() : join(chunks)).buffer);
    } catch (error) {
      if (abort.signal.reason == "timeout") {
        data.ontimeout?.({ lengthComputable: false, loaded });
        data.onloadend?.();
      } else if (abort.signal.aborted) {
        return true; // told already
      } else if (error instanceof OriginError) {
        answer(error);
      } else if (box && loaded) {
        data.onloadend?.(); // half of it was played already: dash.js asks again
      } else {
        return false;
      }
    } finally {
      clearTimeout(stopTimer);
    }
    return true;
  }

  function replan(r: FragmentRequest, n: Named, request: MediaRequest, head: Playhead): void {
    const kind = r.mediaType ?? "";
    const before = tracks.get(kind);
    if (before && before != n.track && ![...tracks].some(([k, t]) => k != kind && t == before)) session.plan(before, []);
    tracks.set(kind, n.track);
    session.engine()?.playback(head);
    const now = Date.now() + clockOffset;
    session.plan(n.track, upcoming(r, n, request, session.ahead(r.duration!), now, head));
  }

  player.extend("XHRLoader", loader(false), true);
  player.extend("FetchLoader", loader(true), true);
  // Its entries are of other transfers than ours, where there are any.
  player.updateSettings({ streaming: { abr: { throughput: { useResourceTimingApi: false } } } });
  player.on("updateTimeSyncOffset", onClock);
  return attached(session, () => player.off("updateTimeSyncOffset", onClock));
}

