// The table of viewers: rows stay in place from second to second, so that a
// screen reader, a selection or a scroll position is not thrown back.

import { html, setText } from "./dom.ts";
import { bytes, milliseconds } from "./format.ts";
import type { Viewer } from "./snapshot.ts";

const rows = new Map<string, HTMLElement[]>();

export function showViewers(body: Element, viewers: readonly Viewer[]): void {
  const present = new Set(viewers.map((v) => v.id));
  for (const [id, cells] of rows) {
    if (present.has(id)) continue;
    cells[0]?.parentElement?.remove();
    rows.delete(id);
  }
  for (const v of viewers) {
    const texts = row(v);
    let cells = rows.get(v.id);
    if (!cells) {
      cells = texts.map((_, i) => (i === 0 ? html("th", { scope: "row" }) : html("td", i > 1 ? { class: "n" } : {})));
      rows.set(v.id, cells);
      body.append(html("tr", {}, ...cells));
    }
    texts.forEach((text, i) => setText(cells[i]!, text));
    cells[1]!.className = v.seed || v.playing ? "" : "bad";
  }
}

function row(v: Viewer): string[] {
  return [
    v.name,
    v.seed ? "seed" : v.playing ? "playing" : "waiting",
    String(v.links),
    v.seed ? "–" : milliseconds(v.latencyMs),
    bytes(v.peerBytes),
    bytes(v.originBytes),
    bytes(v.uploadedBytes),
    v.stalls > 0 ? `${v.stalls} (${milliseconds(v.stallMs)})` : "0",
    milliseconds(v.delivery.p50),
    milliseconds(v.delivery.p95),
    String(v.piecesRejected),
    String(v.banned),
  ];
}
