// The demo's player page: one viewer in this tab, and a picture of where its bytes
// come from.

import { byId, html, setText } from "../status/dom.ts";
import { bytes, percent } from "../status/format.ts";
import type { EngineEvents, EngineStats } from "../engine.ts";
import type { Options } from "../options.ts";
import { modes, players, readChoice, writeChoice, type Choice } from "./choice.ts";
import { drawGraph } from "./graph.ts";
import { remember, series, type Sample } from "./history.ts";
import { Palette } from "./palette.ts";
import { play, type Attach, type Playing } from "./players.ts";
import { Plots } from "./plots.ts";
import { columns, drawStrip, legend, type Arrival } from "./strip.ts";

interface Shoal extends Attach {
  options(given: Options): Options;
  /** One a stream that is played. */
  stats(): EngineStats[];
  on<K extends keyof EngineEvents>(event: K, listener: (detail: EngineEvents[K]) => void): () => void;
}

declare global {
  // What shoal.js, which every page loads, leaves behind; and a handle for tests.
  var shoal: Shoal | undefined;
  var shoalWatch: { stalls: number; arrivals: Arrival[]; errors: string[] };
}

const video = byId("video") as HTMLVideoElement;
const form = byId("choice") as HTMLFormElement;
const palette = new Palette();
const began = performance.now();
const seen: typeof globalThis.shoalWatch = { stalls: 0, arrivals: [], errors: [] };
globalThis.shoalWatch = seen;
let samples: Sample[] = [];
let playing: Playing | undefined;
let trouble = "";

async function main(): Promise<void> {
  const choice = readChoice(location.search, await usual());
  showChoice(choice);
  if (!globalThis.shoal) throw new Error("shoal.js did not load: run go generate ./... and start the demo again");
  const shoal = globalThis.shoal;
  shoal.options({ p2p: choice.p2p });
  shoal.on("segment", arrived);
  shoal.on("warning", (w) => (trouble = w.message));
  watchStalls();
  const plots = new Plots(byId("time"), byId("bytes"));
  setInterval(() => tick(shoal, plots), 1000);
  playing = await play(choice, shoal, video, (why) => {
    trouble = why;
    seen.errors.push(why);
  });
  await video.play().catch(() => undefined); // a click on the video starts it then
}

/** What the demo's own viewers watch, so that there is somebody to meet. */
async function usual(): Promise<Choice> {
  const otherwise: Choice = { player: "dash", mode: "live", p2p: true };
  try {
    const { mode, format } = (await (await fetch("api/status")).json()) as { mode?: string; format?: string };
    return { player: format === "hls" ? "hls" : "dash", mode: mode === "vod" ? "vod" : "live", p2p: true };
  } catch {
    return otherwise;
  }
}

function showChoice(choice: Choice): void {
  const set = (name: string, value: string) => {
    for (const input of form.elements.namedItem(name) as RadioNodeList) {
      const radio = input as HTMLInputElement;
      radio.checked = radio.value === value;
    }
  };
  set("player", choice.player);
  set("mode", choice.mode);
  set("p2p", choice.p2p ? "on" : "off");
  form.addEventListener("change", () => {
    const data = new FormData(form);
    location.search = writeChoice({
      player: players.find((p) => p === data.get("player")) ?? choice.player,
      mode: modes.find((m) => m === data.get("mode")) ?? choice.mode,
      p2p: data.get("p2p") === "on",
    });
  });
  // A window of its own, side by side: a tab in the background plays no video.
  byId("another").addEventListener("click", () => window.open(writeChoice(choice), "_blank", "popup,width=720,height=900"));
}

function arrived(a: EngineEvents["segment"]): void {
  if (/\/init(\.|$)/.test(a.key)) return;
  seen.arrivals = [...seen.arrivals, a].slice(-columns * 4);
  const strip = byId("strip");
  strip.replaceChildren(drawStrip(seen.arrivals, palette, Math.max(240, strip.clientWidth - 16)));
  byId("legend").replaceChildren(...legend(seen.arrivals, palette));
}

/** A stall is a wait for data after the first frame that is not a seek's. */
function watchStalls(): void {
  let started = false;
  video.addEventListener("playing", () => (started = true));
  video.addEventListener("waiting", () => {
    if (started && !video.seeking) seen.stalls++;
  });
}

function buffered(): number {
  for (let i = 0; i < video.buffered.length; i++) {
    if (video.buffered.start(i) <= video.currentTime + 0.1 && video.buffered.end(i) >= video.currentTime) {
      return video.buffered.end(i) - video.currentTime;
    }
  }
  return 0;
}

function tick(shoal: Shoal, plots: Plots): void {
  const [s] = shoal.stats();
  const latency = playing?.latency() ?? NaN;
  samples = remember(samples, {
    at: (performance.now() - began) / 1000, buffer: buffered(), latency,
    originBytes: s?.originBytes ?? 0, peerBytes: s?.peerBytes ?? 0, consumedBytes: s?.consumedBytes ?? 0,
  });
  plots.draw(series(samples));
  if (!s) return;
  const graph = byId("graph");
  graph.replaceChildren(drawGraph(s.links, palette, Math.max(240, graph.clientWidth)));
  showFigures(s, latency);
  const others = Math.max(0, s.swarmSize - 1);
  setText(byId("what"), trouble || (others === 0 ? "nobody else watches this" : `${others} other${others === 1 ? "" : "s"} in the swarm`));
}

function showFigures(s: EngineStats, latency: number): void {
  const seconds = (n: number) => (Number.isFinite(n) ? `${n.toFixed(1)} s` : "–");
  const rows: [name: string, value: string, beside: string, verdict?: string][] = [
    ["Offload", s.consumedBytes > 0 ? percent(s.offload) : "–", s.integrity, s.offload > 0.5 ? "good" : ""],
    ["From peers", bytes(s.peerBytes), `${s.peers} connected`],
    ["From the origin", bytes(s.originBytes), ""],
    ["Sent to others", bytes(s.sentBytes), ""],
    ["Buffer", seconds(buffered()), ""],
    ["Latency", seconds(latency), "behind the edge"],
    ["Picture", playing?.height() ? `${playing.height()}p` : "–", ""],
    ["Stalls", String(seen.stalls), `${s.piecesRejected} pieces rejected`, seen.stalls > 0 ? "bad" : "good"],
  ];
  const list = byId("figures");
  rows.forEach(([name, value, beside, verdict], i) => {
    const box = list.children[i] ?? list.appendChild(
      html("div", {}, html("dt"), html("dd", { class: "value" }), html("dd", { class: "beside" })));
    const [dt, dd, small] = box.children;
    setText(dt!, name);
    setText(dd!, value);
    dd!.className = `value ${verdict ?? ""}`.trim();
    setText(small!, beside);
  });
}

main().catch((error: unknown) => setText(byId("what"), error instanceof Error ? error.message : String(error)));
