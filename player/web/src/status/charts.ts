// The three pictures. Each returns an SVG of the given width with a sentence for
// those who cannot see it; the table of viewers holds the numbers.

import { svg } from "./dom.ts";
import { bytes, clock, percent } from "./format.ts";
import { linear, pairs, path, ring, ticks } from "./scale.ts";
import type { Viewer } from "./snapshot.ts";

/** Offload over time, with the ideal as a dashed line. */
export function offloadChart(curve: readonly [number, number][], ideal: number, width: number): SVGElement {
  const [height, left, right, top, bottom] = [200, 46, 10, 10, 24];
  const first = curve[0]?.[0] ?? 0;
  const last = Math.max(curve.at(-1)?.[0] ?? 0, first + 1);
  const x = linear(first, last, left, width - right);
  const y = linear(0, 1, height - bottom, top);
  const now = curve.at(-1)?.[1];
  const chart = figure(width, height, now === undefined
    ? "No offload yet."
    : `Offload is ${percent(now)} now; at most ${percent(ideal)} is possible.`);
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    chart.append(
      svg("line", { class: "grid", x1: left, x2: width - right, y1: y(share), y2: y(share) }),
      svg("text", { x: left - 6, y: y(share) + 4, "text-anchor": "end" }, `${share * 100} %`),
    );
  }
  chart.append(
    svg("text", { x: left, y: height - 6 }, clock(first)),
    svg("text", { x: width - right, y: height - 6, "text-anchor": "end" }, clock(last)),
    svg("line", { class: "ideal", x1: left, x2: width - right, y1: y(ideal), y2: y(ideal) }),
    svg("path", { class: "curve", d: path(curve.map(([t, share]) => [x(t), y(share)])) }),
  );
  return chart;
}

/** A bar a viewer: bytes from peers, then hatched from the origin. */
export function sourcesChart(viewers: readonly Viewer[], width: number): SVGElement {
  const [row, left, right, bottom] = [26, 92, 12, 22];
  const height = viewers.length * row + bottom;
  const marks = ticks(Math.max(0, ...viewers.map((v) => v.peerBytes + v.originBytes)), 3);
  const x = linear(0, marks.at(-1)!, left, width - right);
  const peers = viewers.reduce((sum, v) => sum + v.peerBytes, 0);
  const origin = viewers.reduce((sum, v) => sum + v.originBytes, 0);
  const chart = figure(width, height, `${bytes(peers)} came from peers and ${bytes(origin)} from the origin.`);
  chart.append(svg("defs", {}, svg("pattern",
    { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    svg("rect", { class: "origin", width: 6, height: 6 }),
    svg("line", { class: "hatch", x1: 0, x2: 0, y1: 0, y2: 6 }))));
  marks.forEach((mark, i) => chart.append(
    svg("line", { class: "grid", x1: x(mark), x2: x(mark), y1: 0, y2: height - bottom }),
    svg("text", { x: x(mark), y: height - 6, "text-anchor": i === marks.length - 1 ? "end" : "middle" }, bytes(mark)),
  ));
  viewers.forEach((v, i) => {
    const [top, thick] = [i * row + 4, row - 9];
    const [middle, end] = [x(v.peerBytes), x(v.peerBytes + v.originBytes)];
    chart.append(
      svg("text", { class: "name", x: left - 6, y: top + thick - 4, "text-anchor": "end" }, shorten(v.name, 13)),
      svg("rect", { class: "peers", x: left, y: top, width: middle - left, height: thick }),
      svg("rect", { fill: "url(#hatch)", x: middle, y: top, width: end - middle, height: thick }),
    );
  });
  return chart;
}

/** The mesh: viewers on a ring, seeds as squares, a halo around who stalled. */
export function meshChart(viewers: readonly Viewer[], width: number): SVGElement {
  const height = 280;
  const places = ring(viewers.length, width, height, 34);
  const links = pairs(viewers);
  const chart = figure(width, height, `${viewers.length} peers with ${links.length} links between them.`);
  for (const [a, b] of links) {
    const [[x1, y1], [x2, y2]] = [places[a]!, places[b]!];
    chart.append(svg("line", { class: "link", x1, y1, x2, y2 }));
  }
  viewers.forEach((v, i) => {
    const [x, y] = places[i]!;
    if (v.stalls > 0) chart.append(svg("circle", { class: "halo", cx: x, cy: y, r: 13 }));
    chart.append(v.seed
      ? svg("rect", { class: "origin", x: x - 8, y: y - 8, width: 16, height: 16, rx: 2 })
      : svg("circle", { class: "peers", cx: x, cy: y, r: 8 }));
    // Past two dozen, names would cover one another; the table has them all.
    if (viewers.length <= 24) {
      chart.append(svg("text", { class: "name", x, y: y < height / 2 ? y - 14 : y + 24, "text-anchor": "middle" }, shorten(v.name, 11)));
    }
  });
  return chart;
}

function figure(width: number, height: number, description: string): SVGElement {
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": description });
}

function shorten(name: string, most: number): string {
  return name.length <= most ? name : `${name.slice(0, most - 1)}…`;
}
