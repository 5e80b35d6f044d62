// The strip below the video: one column a segment, the newest at the right, cut
// by where its bytes came from.

import { html, svg } from "../status/dom.ts";
import { bytes } from "../status/format.ts";
import { short, type Palette } from "./palette.ts";

/** A segment that arrived, as the engine's "segment" event tells it. */
export interface Arrival {
  key: string;
  bytes: number;
  sources: Record<"memory" | "disk" | "peer" | "origin", number>;
  peers: Record<string, number>;
}

/** A share of one segment: from the origin, from memory or disk, or a peer. */
export interface Slice {
  from: "origin" | "memory" | string;
  share: number;
}

/** Columns that a strip holds: a minute of two tracks of 2 s segments. */
export const columns = 60;

/** The slices of a segment, origin first, then held bytes, then peers by name. Shares add up to 1. */
export function slices(a: Arrival): Slice[] {
  const held = a.sources.memory + a.sources.disk;
  const list: [string, number][] = [["origin", a.sources.origin], ["memory", held]];
  const named = Object.entries(a.peers).sort(([x], [y]) => (x < y ? -1 : 1));
  list.push(...named);
  // Bytes of a peer that is not named any more still came from a peer.
  const rest = a.sources.peer - named.reduce((sum, [, n]) => sum + n, 0);
  if (rest > 0) list.push(["?", rest]);
  const total = list.reduce((sum, [, n]) => sum + n, 0);
  return total === 0 ? [] : list.filter(([, n]) => n > 0).map(([from, n]) => ({ from, share: n / total }));
}

/** Draws the strip. Init segments are too small to be seen and left out by the caller. */
export function drawStrip(arrivals: readonly Arrival[], palette: Palette, width: number): SVGElement {
  const height = 64;
  const shown = arrivals.slice(-columns);
  const step = width / columns;
  const last = shown.at(-1);
  const chart = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": last ? `The newest segment came from ${slices(last).map((s) => s.from).join(", ")}.` : "No segment yet." });
  chart.append(svg("defs", {}, svg("pattern",
    { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    svg("rect", { class: "origin", width: 6, height: 6 }),
    svg("line", { class: "hatch", x1: 0, x2: 0, y1: 0, y2: 6 }))));
  shown.forEach((a, i) => {
    const x = width - (shown.length - i) * step;
    let top = height;
    for (const s of slices(a)) {
      top -= s.share * height;
      const box = svg("rect", { x: x + 0.5, y: top, width: Math.max(1, step - 1), height: s.share * height });
      if (s.from === "origin") box.setAttribute("fill", "url(#hatch)");
      else if (s.from === "memory") box.setAttribute("class", "memory");
      else box.setAttribute("fill", palette.of(s.from));
      box.append(svg("title", {}, `${a.key}: ${bytes(s.share * a.bytes)} from ${s.from === "origin" || s.from === "memory" ? s.from : `peer ${short(s.from)}`}`));
      chart.append(box);
    }
  });
  return chart;
}

/** What the colours mean: the origin, memory, and the peers that are in the strip. */
export function legend(arrivals: readonly Arrival[], palette: Palette): Node[] {
  const seen = new Set(arrivals.slice(-columns).flatMap((a) => slices(a).map((s) => s.from)));
  const key = (style: Record<string, string>, text: string) => [html("span", { class: "key", ...style }), ` ${text} `];
  const nodes: (Node | string)[] = [...key({ class: "key origin" }, "origin")];
  if (seen.has("memory")) nodes.push(...key({ class: "key memory" }, "held already"));
  for (const from of [...seen].filter((f) => f !== "origin" && f !== "memory").sort()) {
    const mark = html("span", { class: "key" });
    mark.style.background = palette.of(from);
    nodes.push(mark, ` peer ${short(from)} `);
  }
  return nodes.map((n) => (typeof n === "string" ? document.createTextNode(n) : n));
}
