// Where the viewer is, and how long a segment may take.

/** Segments planned of one track, at most. */
export const horizon = 32;

/** As Engine.playback takes it, and whether the player waits for data now. */
export interface Playhead {
  live: boolean;
  /** Seconds. */
  position: number;
  rate: number;
  /** Nothing plays: start-up, after a seek, or run dry. Everything is urgent. */
  starved: boolean;
}

/** Reads a media element. */
export function playback(video: HTMLMediaElement | null | undefined, live: boolean): Playhead {
  if (!video) return { live, position: 0, rate: 1, starved: true };
  return {
    live,
    position: video.currentTime,
    rate: video.playbackRate || 1,
    starved: video.seeking || video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA,
  };
}

/** Milliseconds from now until what starts at a presentation time, in seconds, is needed. */
export const due = (head: Playhead, start: number): number =>
  head.starved ? 0 : Math.max(0, ((start - head.position) * 1000) / Math.max(Math.abs(head.rate), 0.1));
