// The layers that deck.gl draws.

import { GeoJsonLayer, ScatterplotLayer, TextLayer } from "@deck.gl/layers";
import { feature } from "topojson-client";
import type { Topology } from "topojson-specification";
import land from "world-atlas/land-110m.json";
import type { Edge, Peer } from "./model.ts";
import type { Mode } from "./places.ts";
import { StrokeLayer, strokes, vertices } from "./strokes.ts";

type Colour = [number, number, number, number];

/** Colours that stay apart in every common colour blindness (Okabe and Ito). */
const colours = {
  peer: [86, 180, 233, 255] as Colour,
  seed: [46, 204, 140, 255] as Colour,
  origin: [230, 159, 0, 255] as Colour,
  feed: [230, 159, 0, 130] as Colour,
  stalled: [213, 94, 0, 255] as Colour,
  unknown: [160, 160, 170, 255] as Colour,
  chosen: [240, 228, 66, 255] as Colour,
  land: [60, 75, 88, 255] as Colour,
  idle: [120, 135, 150, 50] as Colour,
};

export interface Scene {
  mode: Mode;
  peers: readonly Peer[];
  edges: readonly Edge[];
  /** x and y, or longitude and latitude, of each peer. */
  at: readonly [number, number][];
  /** Where the origin is drawn: outside the swarm. */
  origin: [number, number];
  /** Whether a peer's place is known; all true in the layout. */
  known: readonly boolean[];
  chosen: string;
}

const world = feature(land as unknown as Topology, "land");

/** From a faint blue at nothing to white-hot at a MB/s, by the logarithm. */
export function flowColour(bytesPerSecond: number): Colour {
  if (bytesPerSecond < 1) return colours.idle;
  const heat = Math.min(1, Math.max(0, Math.log10(bytesPerSecond) - 3) / 3);
  return [Math.round(60 + 190 * heat), Math.round(130 + 90 * heat), Math.round(220 - 120 * heat), Math.round(90 + 140 * heat)];
}

/**
 * Pixels by the logarithm of what a peer has sent: 3 for nothing, 12 for a GB and
 * more. In a crowd viewers are drawn smaller, down to half.
 */
export const radius = (p: Peer, crowd: number): number =>
  p.seed ? 10 : (3 + 9 * Math.min(1, Math.max(0, Math.log10(Math.max(1, p.report?.sent_bytes ?? 0)) - 5) / 4)) * Math.min(1, Math.max(0.5, Math.sqrt(400 / crowd)));

/** Lines from the origin, to those that take the most: more would hide the rest. */
export const maxFeeds = 200;

function fed(peers: readonly Peer[]): number[] {
  const list = peers.flatMap((p, i) => (p.report && p.report.origin_rate > 0 ? [i] : []));
  if (list.length <= maxFeeds) return list;
  return list.sort((a, b) => peers[b]!.report!.origin_rate - peers[a]!.report!.origin_rate).slice(0, maxFeeds);
}

function peerColour(s: Scene, i: number): Colour {
  const p = s.peers[i]!;
  if (p.id === s.chosen) return colours.chosen;
  if (p.seed) return colours.seed;
  if (p.report && p.report.stalls > 0) return colours.stalled;
  return s.known[i] ? colours.peer : colours.unknown;
}

/** Indices of peers from the back to the front: seeds and the chosen one are never hidden. */
function order(s: Scene): number[] {
  const height = (p: Peer) => (p.id === s.chosen ? 2 : p.seed ? 1 : 0);
  return s.peers.map((_, i) => i).sort((a, b) => height(s.peers[a]!) - height(s.peers[b]!));
}

/** The layers of a scene, from the back to the front, with the first of its edges. */
export function layers(s: Scene, count = s.edges.length) {
  const { edges } = s;
  const arcs = new StrokeLayer({
    id: "arcs",
    data: vertices(strokes(count, s.mode === "map", (i) => s.at[edges[i]!.from]!, (i) => s.at[edges[i]!.to]!, (i) => flowColour(edges[i]!.flow))),
  });
  const dots = new ScatterplotLayer<number>({
    id: "peers",
    data: order(s),
    getPosition: (i) => s.at[i]!,
    getRadius: (i) => radius(s.peers[i]!, s.peers.length),
    getFillColor: (i) => peerColour(s, i),
    getLineColor: [10, 16, 22],
    lineWidthUnits: "pixels", getLineWidth: 1, stroked: true,
    radiusUnits: "pixels",
    pickable: true,
  });
  const seeds = new TextLayer<number>({
    id: "seeds",
    data: s.peers.flatMap((p, i) => (p.seed ? [i] : [])),
    getPosition: (i) => s.at[i]!,
    characterSet: [..."seed"],
    getText: () => "seed",
    getSize: 12, getColor: [255, 255, 255], getPixelOffset: [0, -18],
  });
  // The origin is no peer: a diamond of its own, with a line to everyone that it feeds.
  const takers = fed(s.peers);
  const feeds = new StrokeLayer({
    id: "feeds",
    data: vertices(strokes(takers.length, false, () => s.origin, (i) => s.at[takers[i]!]!, () => colours.feed)),
  });
  const origin = new TextLayer<string>({
    id: "origin",
    data: ["◆", "origin"],
    characterSet: ["◆", ..."origin"],
    getPosition: () => s.origin,
    getText: (text) => text,
    getSize: (text) => (text === "◆" ? 28 : 13),
    getPixelOffset: (text) => (text === "◆" ? [0, 0] : [0, -22]),
    getColor: colours.origin,
  });
  const above = [arcs, feeds, dots, seeds, origin];
  if (s.mode === "links") return above;
  return [new GeoJsonLayer({ id: "land", data: world, getFillColor: colours.land, stroked: false, material: false }), ...above];
}
