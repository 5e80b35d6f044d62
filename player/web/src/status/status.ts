// The demo's status page: listens to /api/status/events and redraws each second.

import { meshChart, offloadChart, sourcesChart } from "./charts.ts";
import { byId, html, setText } from "./dom.ts";
import { figures } from "./figures.ts";
import { clock } from "./format.ts";
import { append, recentOffload, type Point } from "./series.ts";
import { parseSnapshot, type Snapshot } from "./snapshot.ts";
import { showViewers } from "./table.ts";

let points: Point[] = [];
let latest: Snapshot | undefined;

function show(s: Snapshot): void {
  const mode = [s.mode, s.format.toUpperCase()].filter(Boolean).join(" ");
  setText(byId("what"), mode === "" ? "" : `${mode}, ${s.viewers.length} peers in one swarm`);
  connection(`running for ${clock(s.seconds)}`, false);
  showFigures(s);
  showViewers(byId("viewers").querySelector("tbody")!, s.viewers);
  showStreams(s);
  draw(s);
}

function showFigures(s: Snapshot): void {
  const list = byId("figures");
  figures(s).forEach((f, i) => {
    const box = list.children[i] ?? list.appendChild(
      html("div", {}, html("dt"), html("dd", { class: "value" }), html("dd", { class: "beside" })));
    const [name, value, beside] = box.children;
    setText(name!, f.name);
    setText(value!, f.value);
    value!.className = `value ${f.verdict}`.trim();
    setText(beside!, f.beside);
  });
}

function showStreams(s: Snapshot): void {
  const commands = [s.streams.dash, s.streams.hls].filter(Boolean).map((url) => `ffplay ${url}`);
  const list = byId("streams");
  if (list.dataset.shown === commands.join()) return;
  list.dataset.shown = commands.join();
  list.replaceChildren(...commands.map((c) => html("li", {}, html("code", {}, c))));
}

function draw(s: Snapshot): void {
  const into = (id: string, chart: (width: number) => SVGElement) => {
    const box = byId(id);
    box.replaceChildren(chart(Math.max(240, box.clientWidth)));
  };
  into("offload", (width) => offloadChart(recentOffload(points), s.totals.idealOffload, width));
  into("sources", (width) => sourcesChart(s.viewers, width));
  into("mesh", (width) => meshChart(s.viewers, width));
}

function connection(text: string, lost: boolean): void {
  const line = byId("connection");
  // Only a change of state is announced; a clock that speaks each second is noise.
  line.setAttribute("aria-live", lost ? "polite" : "off");
  line.classList.toggle("lost", lost);
  setText(line, text);
}

addEventListener("resize", () => latest && draw(latest));

// EventSource reconnects by itself.
const events = new EventSource("/api/status/events");
events.onmessage = (event: MessageEvent<string>) => {
  const s = parseSnapshot(event.data);
  if (!s) return;
  points = append(points, s);
  latest = s;
  show(s);
};
events.onerror = () => connection("the demo does not answer; trying again …", true);
