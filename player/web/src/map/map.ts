// The map of a swarm, under the signalling server's admin port.

import { Deck, MapView, OrthographicView, type PickingInfo } from "@deck.gl/core";
import { byId, html, setText } from "../status/dom.ts";
import { follow, swarms } from "./feed.ts";
import { frames } from "./frames.ts";
import { Pace, softwareDrawn } from "./pace.ts";
import type { Graph, Positions } from "./layout.ts";
import { edges, type Edge, type Peer, type Swarm } from "./model.ts";
import { History, showFigures, showPeer } from "./panel.ts";
import { onMap, usualMode, type Mode } from "./places.ts";
import { layers, type Scene } from "./scene.ts";

declare global {
  /** For tests: what is drawn, how fast, and where on the screen. */
  var shoalMap: {
    peers: number; edges: number; drawn: number; settled: boolean; updates: number; frames: typeof frames;
    places(): { ids: string[]; peers: number[][]; origin: number[] };
  };
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
let arranged = ""; // the graph that the layout has
globalThis.shoalMap = {
  peers: 0, edges: 0, drawn: 0, settled: false, updates: 0, frames,
  places: () => {
    const [s, view] = [scene(swarm!, shown(swarm!)), deck.getViewports()[0]!];
    return { ids: s.peers.map((p) => p.id), peers: s.at.map((at) => view.project([...at])), origin: view.project([...s.origin]) };
  },
};

const layout = new Worker("layout.worker.js", { type: "module" });
layout.addEventListener("message", (event: MessageEvent<Positions & { settled: boolean }>) => {
  laid = event.data;
  globalThis.shoalMap.settled = event.data.settled;
  pace.want();
});

/** Draws what has changed, as often as the machine can and stay smooth. */
const pace = new Pace(draw);

const deck = new Deck<(MapView | OrthographicView)[]>({
  parent: byId("canvas") as HTMLDivElement,
  views: [views.links],
  initialViewState: { links: { target: [0, 0, 0], zoom: -1 }, map: { longitude: 10, latitude: 25, zoom: 1 } },
  controller: true,
  useDevicePixels: false, // lines need no more, and it is a quarter of the work on a fine screen
  deviceProps: { type: "webgl", webgl: { antialias: !softwareDrawn() } }, // half of the work without a graphics processor
  onInteractionStateChange: ({ isDragging, isPanning, isZooming, isRotating, inTransition }) =>
    pace.move(Boolean(isDragging || isPanning || isZooming || isRotating || inTransition)),
  onViewStateChange: () => pace.moved(),
  getTooltip: (at: PickingInfo<number>) => {
    const p = picked(at);
    return p ? `${p.seed ? "seed" : "viewer"} ${p.id}` : null;
  },
  onClick: (at: PickingInfo<number>) => {
    chosen = picked(at)?.id ?? "";
    showPeer(swarm, chosen);
    pace.want();
  },
});

function picked({ object, layer }: PickingInfo<number>): Peer | undefined {
  return layer?.id === "peers" && object !== undefined ? swarm?.peers[object] : undefined;
}

const history = new History(byId("offload"), byId("saved"));

function shown(s: Swarm): Mode {
  return mode ?? usualMode(s.peers);
}

function draw(): void {
  if (!swarm) return;
  const now = shown(swarm);
  const s = scene(swarm, now);
  // What moves may show less: the lines that carry the least are left out first.
  globalThis.shoalMap.drawn = Math.ceil(pace.detail * s.edges.length);
  deck.setProps({ views: [views[now]], layers: layers(s, globalThis.shoalMap.drawn) });
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
  Object.assign(globalThis.shoalMap, { peers: s.peers.length, edges: drawn.length, updates: globalThis.shoalMap.updates + 1 });
  arrange(s);
  for (const radio of document.querySelectorAll<HTMLInputElement>("#mode input")) radio.checked = radio.value === shown(s);
  showFigures(s);
  history.draw(s.history);
  if (chosen) showPeer(s, chosen);
  const elsewhere = s.summary.members - s.peers.length;
  setText(byId("state"), elsewhere > 0 ? `${elsewhere} more on other servers` : "");
  pace.want();
}

/** Gives the layout a graph that differs from the one before: who is there, and linked to whom. */
function arrange(s: Swarm): void {
  const index = new Map(s.peers.map((p, i) => [p.id, i]));
  const graph: Graph = { ids: s.peers.map((p) => p.id), links: [] };
  for (const l of s.links) {
    const [a, b] = [index.get(l.a), index.get(l.b)];
    if (a !== undefined && b !== undefined) graph.links.push([a, b]);
  }
  const all = JSON.stringify(graph);
  if (all === arranged) return;
  arranged = all;
  globalThis.shoalMap.settled = false;
  layout.postMessage(graph);
}

for (const radio of document.querySelectorAll<HTMLInputElement>("#mode input")) {
  radio.addEventListener("change", () => {
    mode = radio.value as Mode;
    pace.want();
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
