// The three players, each started as a site would start it, with Shoal attached.

import type { MediaPlayerClass } from "dashjs";
import type Hls from "hls.js";
import type { Choice } from "./choice.ts";
import { manifestPath } from "./choice.ts";

/** What the page asks of a player that runs. */
export interface Playing {
  /** Seconds behind the live edge; NaN when it does not know. */
  latency(): number;
  /** Lines of the picture that is shown, 0 when it does not know. */
  height(): number;
  stop(): Promise<void>;
}

/** The part of Shoal's public interface that attaches. */
export interface Attach {
  attachDash(player: MediaPlayerClass): void;
  attachHls(hls: typeof Hls): typeof Hls;
  attachShaka(shaka: Shaka, player: ShakaPlayer): void;
}

/** The little of Shaka that is used here; its package has types for the debug build only. */
interface Shaka {
  Player: new () => ShakaPlayer;
  polyfill: { installAll(): void };
}
interface ShakaPlayer {
  attach(video: HTMLVideoElement): Promise<void>;
  load(url: string): Promise<void>;
  destroy(): Promise<void>;
  getStats(): { liveLatency: number; height: number };
  addEventListener(name: "error", listener: (event: { detail?: { code?: number } }) => void): void;
}

const files = { dash: "players/dash.js", hls: "players/hls.js", shaka: "players/shaka.js" };

function script(src: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const tag = document.createElement("script");
    tag.src = src;
    tag.onload = () => resolve();
    tag.onerror = () => reject(new Error(`${src} could not be loaded`));
    document.head.append(tag);
  });
}

/** Loads the chosen player and plays into video. failed is told what the player gives up on. */
export async function play(c: Choice, shoal: Attach, video: HTMLVideoElement, failed: (why: string) => void): Promise<Playing> {
  await script(files[c.player]);
  const url = new URL(manifestPath(c), location.href).href;
  const libraries = globalThis as unknown as { dashjs: typeof import("dashjs"); Hls: typeof Hls; shaka: Shaka };
  switch (c.player) {
    case "dash":
      return playDash(libraries.dashjs, shoal, video, url, failed);
    case "hls":
      return playHls(libraries.Hls, shoal, video, url, failed);
    case "shaka":
      return playShaka(libraries.shaka, shoal, video, url, failed);
  }
}

function playDash(dashjs: typeof import("dashjs"), shoal: Attach, video: HTMLVideoElement, url: string, failed: (why: string) => void): Playing {
  const player = dashjs.MediaPlayer().create();
  shoal.attachDash(player);
  player.initialize(video, url, true);
  player.on("error", (event: { error?: { message?: string } | string }) => {
    const error = event.error;
    failed(typeof error === "string" ? error : error?.message ?? "unknown error");
  });
  return {
    latency: () => player.getCurrentLiveLatency(),
    height: () => player.getCurrentRepresentationForType("video")?.height ?? 0,
    stop: async () => player.destroy(),
  };
}

function playHls(Plain: typeof Hls, shoal: Attach, video: HTMLVideoElement, url: string, failed: (why: string) => void): Playing {
  const Shared = shoal.attachHls(Plain);
  const hls = new Shared();
  hls.on(Plain.Events.ERROR, (_, data) => {
    if (!data.fatal) return;
    failed(data.details);
    if (data.type === Plain.ErrorTypes.MEDIA_ERROR) hls.recoverMediaError();
    if (data.type === Plain.ErrorTypes.NETWORK_ERROR) hls.startLoad();
  });
  hls.loadSource(url);
  hls.attachMedia(video);
  return {
    latency: () => hls.latency || NaN,
    height: () => hls.levels[hls.currentLevel]?.height ?? 0,
    stop: async () => hls.destroy(),
  };
}

async function playShaka(shaka: Shaka, shoal: Attach, video: HTMLVideoElement, url: string, failed: (why: string) => void): Promise<Playing> {
  shaka.polyfill.installAll();
  const player = new shaka.Player();
  player.addEventListener("error", (event) => failed(`Shaka error ${event.detail?.code ?? ""}`));
  await player.attach(video);
  shoal.attachShaka(shaka, player);
  await player.load(url);
  return {
    latency: () => player.getStats().liveLatency || NaN,
    height: () => player.getStats().height || 0,
    stop: () => player.destroy(),
  };
}
