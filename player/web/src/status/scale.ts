// Chart geometry without a chart: numbers in, coordinates out.

export type Scale = (value: number) => number;

/** Maps [from, to] linearly onto [start, end]; an empty domain maps to start. */
export function linear(from: number, to: number, start: number, end: number): Scale {
  const span = to - from;
  return span === 0 ? () => start : (value) => start + ((value - from) / span) * (end - start);
}

/** Round steps (1, 2 or 5 times a power of ten) from 0 to at least max, about count of them. */
export function ticks(max: number, count: number): number[] {
  if (!(max > 0) || !Number.isFinite(max)) return [0];
  const rough = max / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough * (1 - 1e-9))!;
  const steps = Math.ceil(max / step - 1e-9);
  return Array.from({ length: steps + 1 }, (_, i) => i * step);
}

/** An SVG path through the points, with one decimal: finer is invisible. */
export function path(points: readonly (readonly [x: number, y: number])[]): string {
  return points.map(([x, y], i) => `${i === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
}

/** count places on an ellipse, the first at the top, clockwise. */
export function ring(count: number, width: number, height: number, margin: number): [x: number, y: number][] {
  return Array.from({ length: count }, (_, i) => {
    const angle = (i / count) * 2 * Math.PI - Math.PI / 2;
    return [
      width / 2 + (width / 2 - margin) * Math.cos(angle),
      height / 2 + (height / 2 - margin) * Math.sin(angle),
    ];
  });
}

/** Links as pairs of indices into ids, each once, whoever reported it. */
export function pairs(nodes: readonly { id: string; peers: readonly string[] }[]): [a: number, b: number][] {
  const index = new Map(nodes.map((n, i) => [n.id, i]));
  const seen = new Map<string, [number, number]>();
  nodes.forEach((n, i) => {
    for (const peer of n.peers) {
      const j = index.get(peer);
      if (j === undefined || j === i) continue;
      const pair: [number, number] = i < j ? [i, j] : [j, i];
      seen.set(pair.join(), pair);
    }
  });
  return [...seen.values()];
}
