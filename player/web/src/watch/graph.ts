// Who sends to this viewer: it in the middle, its neighbours around it, nearer
// ones nearer.

import { svg } from "../status/dom.ts";
import { bytes, milliseconds } from "../status/format.ts";
import { short, type Palette } from "./palette.ts";

export interface Link {
  peer: string;
  seed: boolean;
  rttMs: number;
  receivedBytes: number;
  sentBytes: number;
}

/** More neighbours than this would be a black ball; a peer has 10 by default. */
export const maxDrawn = 24;

export interface Spoke extends Link {
  x: number;
  y: number;
  /** Width of the line in pixels: 1 for nothing, 9 for all that came. */
  width: number;
}

/**
 * Places neighbours around the middle of a picture, in the order of their names so
 * that they stay where they are. The distance grows with the logarithm of the round
 * trip, from half to the whole radius between 1 ms and 1 s.
 */
export function spokes(links: readonly Link[], width: number, height: number): Spoke[] {
  const shown = [...links].sort((a, b) => (a.peer < b.peer ? -1 : 1)).slice(0, maxDrawn);
  const all = shown.reduce((sum, l) => sum + l.receivedBytes, 0);
  const radius = Math.min(width, height) / 2 - 34;
  return shown.map((l, i) => {
    const angle = (i / shown.length) * 2 * Math.PI - Math.PI / 2;
    const far = Math.min(1, Math.max(0, Math.log10(Math.max(1, l.rttMs)) / 3));
    const reach = radius * (0.55 + 0.45 * far);
    return {
      ...l,
      x: width / 2 + reach * Math.cos(angle) * Math.min(1.6, width / height),
      y: height / 2 + reach * Math.sin(angle),
      width: 1 + (all > 0 ? (8 * l.receivedBytes) / all : 0),
    };
  });
}

export function drawGraph(links: readonly Link[], palette: Palette, width: number): SVGElement {
  const height = 260;
  const [cx, cy] = [width / 2, height / 2];
  const chart = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": links.length === 0 ? "No connection to other viewers." : `${links.length} connections to other viewers.` });
  const list = spokes(links, width, height);
  for (const s of list) {
    const line = svg("line", { x1: cx, y1: cy, x2: s.x, y2: s.y, stroke: palette.of(s.peer), "stroke-width": s.width, "stroke-opacity": 0.75 });
    line.append(svg("title", {}, `${bytes(s.receivedBytes)} from it, ${bytes(s.sentBytes)} to it, ${milliseconds(s.rttMs)} round trip`));
    chart.append(line);
  }
  for (const s of list) {
    chart.append(
      s.seed
        ? svg("rect", { class: "origin", x: s.x - 8, y: s.y - 8, width: 16, height: 16, rx: 2 })
        : svg("circle", { fill: palette.of(s.peer), cx: s.x, cy: s.y, r: 8 }),
      svg("text", { class: "name", x: s.x, y: s.y < cy ? s.y - 13 : s.y + 22, "text-anchor": "middle" },
        `${s.seed ? "seed" : short(s.peer)} · ${bytes(s.receivedBytes)}`));
  }
  chart.append(svg("circle", { class: "me", cx, cy, r: 9 }), svg("text", { class: "name", x: cx, y: cy + 24, "text-anchor": "middle" }, "this viewer"));
  if (list.length === 0) chart.append(svg("text", { x: cx, y: cy - 30, "text-anchor": "middle" }, "nobody yet: open another viewer"));
  return chart;
}
