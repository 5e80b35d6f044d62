// How smooth the page is: the time between two frames, for tests and for the curious.

const kept = 600;
const gaps: number[] = [];
let last = 0;

function frame(now: number): void {
  if (last > 0) {
    gaps.push(now - last);
    if (gaps.length > kept) gaps.shift();
  }
  last = now;
  requestAnimationFrame(frame);
}
requestAnimationFrame(frame);

export const frames = {
  /** Forgets what was before. */
  reset(): void {
    gaps.length = 0;
  },
  /** Frames a second over the last 600 frames, and the longest time between two, in milliseconds. */
  measure(): { count: number; perSecond: number; longest: number } {
    const total = gaps.reduce((sum, g) => sum + g, 0);
    return { count: gaps.length, perSecond: total > 0 ? (1000 * gaps.length) / total : 0, longest: Math.max(0, ...gaps) };
  },
};
