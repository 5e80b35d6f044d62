// Where each peer is drawn: on the map by its place, or by the layout of its links.

import type { Edge, Peer } from "./model.ts";

export type Mode = "map" | "links";

/** The map is shown when at least this share of the peers has a place. */
const enough = 0.5;

export function usualMode(peers: readonly Peer[]): Mode {
  const placed = peers.reduce((n, p) => n + (p.place ? 1 : 0), 0);
  return peers.length > 0 && placed >= enough * peers.length ? "map" : "links";
}

/**
 * Longitude and latitude of every peer. One without a place is put beside the middle
 * of its neighbours that have one, or into rows in the empty south; known says which
 * are real. Peers of one place stand side by side in a sunflower.
 */
export function onMap(peers: readonly Peer[], edges: readonly Edge[]): { at: [number, number][]; known: boolean[] } {
  const sums = peers.map((): [x: number, y: number, n: number] => [0, 0, 0]);
  const lean = (i: number, on: Peer) => {
    if (!on.place || peers[i]!.place) return;
    const sum = sums[i]!;
    sum[0] += on.place[1];
    sum[1] += on.place[0];
    sum[2]++;
  };
  for (const e of edges) {
    lean(e.from, peers[e.to]!);
    lean(e.to, peers[e.from]!);
  }
  const crowd = new Map<string, number>();
  const beside = (longitude: number, latitude: number): [number, number] => {
    const spot = `${longitude.toFixed(2)} ${latitude.toFixed(2)}`;
    const n = crowd.get(spot) ?? 0;
    crowd.set(spot, n + 1);
    const [radius, angle] = [0.25 * Math.sqrt(n), n * Math.PI * (3 - Math.sqrt(5))];
    return [longitude + radius * Math.cos(angle), Math.max(-84, Math.min(84, latitude + radius * Math.sin(angle)))];
  };
  let lost = 0;
  const at = peers.map((p, i): [number, number] => {
    if (p.place) return beside(p.place[1], p.place[0]);
    const [x, y, n] = sums[i]!;
    if (n > 0) return beside(x / n, y / n);
    const row = lost++ * 3;
    return [-175 + (row % 350), Math.max(-84, -62 - 2 * Math.floor(row / 350))];
  });
  return { at, known: peers.map((p) => p.place !== null) };
}
