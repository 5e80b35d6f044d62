// The two charts over time, drawn by uPlot.

import uPlot from "uplot";
import type { Series } from "./history.ts";

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function axes(unit: string, more: uPlot.Axis[] = []): uPlot.Axis[] {
  const common = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false } };
  return [
    { ...common, values: (_, at) => at.map((s) => `${Math.round(s)} s`), space: 60 },
    { ...common, label: unit, labelSize: 16, size: 44 },
    ...more.map((axis) => ({ ...common, ...axis })),
  ];
}

const line = (label: string, stroke: string, more: Partial<uPlot.Series> = {}): uPlot.Series => ({
  label, stroke, width: 2, points: { show: false }, value: (_, v) => (v == null ? "–" : v.toFixed(1)), ...more,
});

/** Both charts, made once the page has its width, and again when it changes. */
export class Plots {
  #time: uPlot;
  #bytes: uPlot;

  constructor(time: HTMLElement, bytes: HTMLElement) {
    const size = (box: HTMLElement) => ({ width: Math.max(240, box.clientWidth), height: 200 });
    const base = { cursor: { drag: { x: false, y: false } }, scales: { x: { time: false } } };
    this.#time = new uPlot({
      ...base, ...size(time), axes: axes("seconds"),
      series: [{ label: "at", value: (_, v) => (v == null ? "–" : `${v.toFixed(0)} s`) }, line("buffer", colour("peers")), line("latency", colour("bad"), { dash: [6, 3] })],
    }, [[], [], []], time);
    this.#bytes = new uPlot({
      ...base, ...size(bytes),
      scales: { x: { time: false }, "%": { range: [0, 100] } },
      axes: axes("kB/s", [{ side: 1, scale: "%", values: (_, v) => v.map((p) => `${p} %`), grid: { show: false }, size: 44 }]),
      series: [
        { label: "at", value: (_, v) => (v == null ? "–" : `${v.toFixed(0)} s`) },
        line("from peers", colour("peers"), { fill: `${colour("peers")}30` }),
        line("from the origin", colour("origin"), { fill: `${colour("origin")}30` }),
        line("offload", colour("good"), { scale: "%", dash: [6, 3] }),
      ],
    }, [[], [], [], []], bytes);
    new ResizeObserver(() => {
      this.#time.setSize(size(time));
      this.#bytes.setSize(size(bytes));
    }).observe(time);
  }

  draw(s: Series): void {
    this.#time.setData([s.at, s.buffer, s.latency]);
    this.#bytes.setData([s.at, s.peers, s.origin, s.offload]);
  }
}
