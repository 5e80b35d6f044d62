// The layers that deck.gl draws.

import { ArcLayer, GeoJsonLayer, LineLayer, ScatterplotLayer, TextLayer } from "@deck.gl/layers";
import { feature } from "topojson-client";
import type { Topology } from "topojson-specification";
import land from "world-atlas/land-110m.json";
import type { Edge, Peer } from "./model.ts";
import type { Mode } from "./places.ts";

type Colour = [number, number, number, number];

/** Colours that stay apart in every common colour blindness (Okabe and Ito). */
const colours = {
  peer: [86, 180, 233, 255] as Colour,
  seed: [230, 159, 0, 255] as Colour,
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

/** Pixels by the logarithm of what a peer has sent: 3 for nothing, 12 for a GB and more. */
export const radius = (p: Peer): number =>
  p.seed ? 10 : 3 + 9 * Math.min(1, Math.max(0, Math.log10(Math.max(1, p.report?.sent_bytes ?? 0)) - 5) / 4);

function peerColour(s: Scene, i: number): Colour {
  const p = s.peers[i]!;
  if (p.id === s.chosen) return colours.chosen;
  if (p.seed) return colours.seed;
  if (p.report && p.report.stalls > 0) return colours.stalled;
  return s.known[i] ? colours.peer : colours.unknown;
}

/** The layers of a scene, from the back to the front. */
export function layers(s: Scene) {
  const ends = {
    data: s.edges as Edge[],
    getSourcePosition: (e: Edge) => s.at[e.from]!,
    getTargetPosition: (e: Edge) => s.at[e.to]!,
    getWidth: (e: Edge) => 0.5 + Math.min(1.5, Math.log10(1 + e.flow) / 4),
  };
  const dots = new ScatterplotLayer<number>({
    id: "peers",
    data: s.peers.map((_, i) => i),
    getPosition: (i) => s.at[i]!,
    getRadius: (i) => radius(s.peers[i]!),
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
  const feeds = new LineLayer<number>({
    id: "feeds",
    data: s.peers.flatMap((p, i) => (p.report && p.report.origin_rate > 0 ? [i] : [])),
    getSourcePosition: () => s.origin,
    getTargetPosition: (i) => s.at[i]!,
    getColor: [230, 159, 0, 130],
    getWidth: (i) => 0.5 + Math.min(3, Math.log10(1 + s.peers[i]!.report!.origin_rate) / 2),
  });
  const origin = new TextLayer<string>({
    id: "origin",
    data: ["◆", "origin"],
    characterSet: ["◆", ..."origin"],
    getPosition: () => s.origin,
    getText: (text) => text,
    getSize: (text) => (text === "◆" ? 28 : 13),
    getPixelOffset: (text) => (text === "◆" ? [0, 0] : [0, -22]),
    getColor: colours.seed,
  });
  if (s.mode === "links") {
    return [
      new LineLayer<Edge>({ id: "edges", ...ends, getColor: (e) => flowColour(e.flow) }),
      feeds, dots, seeds, origin,
    ];
  }
  return [
    new GeoJsonLayer({ id: "land", data: world, getFillColor: colours.land, stroked: false, material: false }),
    new ArcLayer<Edge>({
      id: "arcs", ...ends, numSegments: 10, getHeight: 0.25,
      getSourceColor: (e) => flowColour(e.flow), getTargetColor: (e) => flowColour(e.flow),
    }),
    feeds, dots, seeds, origin,
  ];
}
