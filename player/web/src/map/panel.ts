// The side panel: figures of the swarm, its history, and one peer's details.

import uPlot from "uplot";
import { byId, html, setText } from "../status/dom.ts";
import { bytes, milliseconds, percent } from "../status/format.ts";
import { linksOf, offload, type Point, type Swarm } from "./model.ts";

export function showFigures({ summary: s }: Swarm): void {
  const rows: [string, string, string][] = [
    ["Viewers", String(s.members - s.seeds), s.seeds === 0 ? "and no seed" : s.seeds === 1 ? "and a seed" : `and ${s.seeds} seeds`],
    ["Offload", s.origin_bytes + s.peer_bytes > 0 ? percent(s.offload) : "–", "since the swarm began"],
    ["Saved", bytes(s.peer_bytes), `${bytes(s.origin_bytes)} from the origin`],
    ["Stalls", String(s.stalls), "of all viewers"],
  ];
  const list = byId("figures");
  rows.forEach(([name, value, beside], i) => {
    const box = list.children[i] ?? list.appendChild(
      html("div", {}, html("dt"), html("dd", { class: "value" }), html("dd", { class: "beside" })));
    [name, value, beside].forEach((text, j) => setText(box.children[j]!, text));
  });
}

export class History {
  #offload: uPlot;
  #saved: uPlot;

  constructor(offloadBox: HTMLElement, savedBox: HTMLElement) {
    const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    const axis = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false } };
    const plot = (box: HTMLElement, label: string, stroke: string, values: (v: number) => string, range?: [number, number]) =>
      new uPlot({
        width: Math.max(200, box.clientWidth), height: 130, legend: { show: false },
        cursor: { drag: { x: false, y: false } },
        ...(range ? { scales: { y: { range } } } : {}),
        axes: [{ ...axis, space: 70 }, { ...axis, size: 54, values: (_, at) => at.map(values) }],
        series: [{}, { label, stroke, width: 2, fill: `${stroke}30`, points: { show: false } }],
      }, [[], []], box);
    this.#offload = plot(offloadBox, "offload", colour("good"), (v) => `${v} %`, [0, 100]);
    this.#saved = plot(savedBox, "saved", colour("peers"), bytes);
  }

  draw(history: readonly Point[]): void {
    const at = history.map((p) => Date.parse(p.at) / 1000);
    this.#offload.setData([at, history.map((p) => 100 * p.offload)]);
    this.#saved.setData([at, history.map((p) => p.saved_bytes)]);
  }
}

/** Shows a peer, or hides the box when it is not there. */
export function showPeer(s: Swarm | undefined, id: string): void {
  const p = s?.peers.find((q) => q.id === id);
  byId("peer").hidden = !p;
  if (!s || !p) return;
  setText(byId("peer-name"), `${p.seed ? "Seed" : "Viewer"} ${p.id}`);
  const r = p.report;
  const reported: [string, string][] = r
    ? [
        ["offload", r.origin_bytes + r.peer_bytes > 0 ? percent(offload(r)) : "–"],
        ["from peers", `${bytes(r.peer_bytes)}, now ${bytes(r.peer_rate)}/s`],
        ["from the origin", `${bytes(r.origin_bytes)}, now ${bytes(r.origin_rate)}/s`],
        ["sent", `${bytes(r.sent_bytes)}, now ${bytes(r.sent_rate)}/s`],
        ["stalls", String(r.stalls)],
        ["buffer", milliseconds(r.buffer_ms)],
      ]
    : [["figures", "it does not report any"]];
  const where = [p.place ? `${p.place[0].toFixed(2)}°, ${p.place[1].toFixed(2)}°` : "unknown", p.country, p.asn ? `AS${p.asn}` : undefined];
  const rows = [...reported, ["place", where.filter(Boolean).join(", ")] as const];
  byId("peer-figures").replaceChildren(...rows.flatMap(([name, value]) => [html("dt", {}, name), html("dd", {}, value)]));
  byId("peer-links").replaceChildren(...linksOf(s, id).map((l) =>
    html("tr", {}, html("td", {}, l.peer.slice(0, 8)), html("td", { class: "n" }, l.rttMs > 0 ? milliseconds(l.rttMs) : "–"),
      html("td", { class: "n" }, `${bytes(l.in)}/s`), html("td", { class: "n" }, `${bytes(l.out)}/s`))));
}
