// When to draw, and how much: a machine without a graphics processor needs a tenth
// of a second and more for thousands of lines, and the page must stay smooth on it.

/** A frame that takes longer than this while something moves is drawn with less. */
const slow = 50;
/** And one that takes less than this with more. */
const quick = 25;
/** Lines of this share are drawn at least. */
const least = 0.1;
/** What is drawn for new data may take half of the time, and the page the other half. */
const longestRest = 2000;

/** The clock of the page, to be another one in tests. */
export interface Frames {
  request(callback: (now: number) => void): void;
  now(): number;
}

const page: Frames = { request: (callback) => void requestAnimationFrame(callback), now: () => performance.now() };

export class Pace {
  /** Share of the lines that are drawn, above 0 and up to 1. */
  detail = 1;
  #wanted = false;
  #drawing = false;
  #moving = false;
  /** What suited when something moved last. */
  #suits = 1;
  #last = 0;

  readonly #draw: () => void;
  readonly #frames: Frames;

  constructor(draw: () => void, frames: Frames = page) {
    this.#draw = draw;
    this.#frames = frames;
  }

  /** There is something new to be drawn. */
  want(): void {
    this.#wanted = true;
    if (!this.#drawing) this.#run();
  }

  /** The viewer has begun or ended to move the picture. */
  move(moving: boolean): void {
    if (moving === this.#moving) return;
    this.#moving = moving;
    this.#last = 0;
    this.#show(moving ? this.#suits : 1);
  }

  /** The picture has moved by a step. */
  moved(): void {
    if (!this.#moving) return;
    const [now, last] = [this.#frames.now(), this.#last];
    this.#last = now;
    const took = now - last;
    if (last === 0 || took > 20 * slow) return; // the viewer rested
    if (took > slow) this.#suits = Math.max(least, this.#suits * Math.max(0.5, slow / took));
    else if (took < quick) this.#suits = Math.min(1, this.#suits * 1.05);
    // In steps: what is drawn anew is sent to the graphics processor anew.
    if (Math.abs(this.#suits - this.detail) > 0.2 * this.detail) this.#show(this.#suits);
  }

  #show(detail: number): void {
    if (detail === this.detail) return;
    this.detail = detail;
    this.want();
  }

  #run(): void {
    this.#drawing = true;
    this.#wanted = false;
    const begin = this.#frames.now();
    this.#draw();
    // It is drawn in the next frame; the frame after that comes when it is there.
    this.#frames.request(() => this.#frames.request((end) => this.#rest(end + Math.min(longestRest, end - begin))));
  }

  #rest(until: number): void {
    this.#frames.request((now) => {
      if (now < until && !this.#moving) this.#rest(until);
      else if (this.#wanted) this.#run();
      else this.#drawing = false;
    });
  }
}

/** Whether pictures are drawn by the processor, as far as the browser tells. */
export function softwareDrawn(): boolean {
  const gl = document.createElement("canvas").getContext("webgl2");
  const info = gl?.getExtension("WEBGL_debug_renderer_info");
  const name = gl && info ? String(gl.getParameter(info.UNMASKED_RENDERER_WEBGL)) : "";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|softpipe|basic render/i.test(name);
}
