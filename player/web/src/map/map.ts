// The map of a swarm, under the signalling server's admin port.

import { Deck, MapView, OrthographicView, type PickingInfo } from "@deck.gl/core";
import { byId, html, setText } from "../status/dom.ts";
import { follow, swarms } from "./feed.ts";
import { frames } from "./frames.ts";
import type { Graph, Positions } from "./layout.ts";
import { edges, type Edge, type Swarm } from "./model.ts";
import { History, showFigures, showPeer } from "./panel.ts";
import { onMap, usualMode, type Mode } from "./places.ts";
import { layers, type Scene } from "./scene.ts";

declare global {
  /** For tests: what is drawn, and how fast. */
  var shoalMap: { peers: number; edges: number; settled: boolean; frames: typeof frames; where(peer: number): number[] };
}

const views = {
  map: new MapView({ id: "map" }),
  links: new OrthographicView({ id: "links", flipY: false }),
};

let swarm: Swarm | undefined;
let drawn: Edge[] = [];
let mode: Mode | undefined; // undefined: whichever suits
let laid: Positions = { ids: [], xy: new Float32Array() };
let chosen = "";
globalThis.shoalMap = { peers: 0, edges: 0, settled: false, frames, where: (peer) => deck.getViewports()[0]!.project([...scene(swarm!, shown(swarm!)).at[peer]!]) };

const layout = new Worker("layout.worker.js", { type: "module" });
layout.addEventListener("message", (event: MessageEvent<Positions & { settled: boolean }>) => {
  laid = event.data;
  globalThis.shoalMap.settled = event.data.settled;
  draw();
});

const deck = new Deck<(MapView | OrthographicView)[]>({
  parent: byId("canvas") as HTMLDivElement,
  views: [views.links],
  initialViewState: { links: { target: [0, 0, 0], zoom: -1 }, map: { longitude: 10, latitude: 25, zoom: 1 } },
  controller: true,
  useDevicePixels: false, // lines need no more, and it is a quarter of the work on a fine screen
  getTooltip: ({ index, layer }: PickingInfo) => (layer?.id === "peers" && swarm?.peers[index] ? `${swarm.peers[index].seed ? "seed" : "viewer"} ${swarm.peers[index].id}` : null),
  onClick: ({ index, layer }: PickingInfo) => {
    chosen = (layer?.id === "peers" && swarm?.peers[index]?.id) || "";
    showPeer(swarm, chosen);
    draw();
  },
});

const history = new History(byId("offload"), byId("saved"));

function shown(s: Swarm): Mode {
  return mode ?? usualMode(s.peers);
}

function draw(): void {
  if (!swarm) return;
  const now = shown(swarm);
  deck.setProps({ views: [views[now]], layers: layers(scene(swarm, now)) });
}

function scene(s: Swarm, now: Mode): Scene {
  const common = { peers: s.peers, edges: drawn, chosen };
  if (now === "map") return { ...common, mode: now, ...onMap(s.peers, drawn), origin: [0, 78] };
  const index = new Map(laid.ids.map((id, i) => [id, i]));
  let top = 0;
  const at = s.peers.map((p): [number, number] => {
    const i = index.get(p.id);
    const [x, y] = i === undefined ? [0, 0] : [laid.xy[2 * i]!, laid.xy[2 * i + 1]!];
    top = Math.max(top, y);
    return [x, y];
  });
  return { ...common, mode: now, at, known: s.peers.map(() => true), origin: [0, top + 120] };
}

function update(s: Swarm): void {
  swarm = s;
  drawn = edges(s);
  Object.assign(globalThis.shoalMap, { peers: s.peers.length, edges: drawn.length });
  const graph: Graph = { ids: s.peers.map((p) => p.id), links: drawn.map((e) => [e.from, e.to]) };
  layout.postMessage(graph);
  for (const radio of document.querySelectorAll<HTMLInputElement>("#mode input")) radio.checked = radio.value === shown(s);
  showFigures(s);
  history.draw(s.history);
  if (chosen) showPeer(s, chosen);
  const elsewhere = s.summary.members - s.peers.length;
  setText(byId("state"), elsewhere > 0 ? `${elsewhere} more on other servers` : "");
  draw();
}

for (const radio of document.querySelectorAll<HTMLInputElement>("#mode input")) {
  radio.addEventListener("change", () => {
    mode = radio.value as Mode;
    draw();
  });
}

async function main(): Promise<void> {
  const list = await swarms();
  const select = byId("swarm") as HTMLSelectElement;
  select.replaceChildren(...list.map((s) => html("option", { value: s.swarm }, `${s.name ?? s.swarm} (${s.members})`)));
  const wanted = new URLSearchParams(location.search).get("swarm");
  if (wanted && list.some((s) => s.swarm === wanted)) select.value = wanted;
  let stop = () => {};
  const watch = () => {
    stop();
    laid = { ids: [], xy: new Float32Array() };
    if (select.value) stop = follow(select.value, update, (why) => setText(byId("state"), why));
  };
  select.addEventListener("change", watch);
  if (list.length === 0) setText(byId("state"), "no swarm yet: reload when somebody watches");
  watch();
}

main().catch((error: unknown) => setText(byId("state"), error instanceof Error ? error.message : String(error)));
