import { expect, test } from "vitest";
import { Layout } from "./layout.ts";

function settle(l: Layout): number {
  let steps = 0;
  while (l.step()) steps++;
  return steps;
}

const place = (l: Layout, id: string): [number, number] => {
  const { ids, xy } = l.positions();
  const i = ids.indexOf(id);
  return [xy[2 * i]!, xy[2 * i + 1]!];
};
const distance = ([a, b]: [number, number], [x, y]: [number, number]) => Math.hypot(a - x, b - y);

test("groups of peers end as groups", () => {
  const ids = Array.from({ length: 16 }, (_, i) => `p${i}`);
  const links: [number, number][] = [];
  for (let a = 0; a < 16; a++) for (let b = a + 2; b < 16; b += 2) links.push([a, b]); // even with even, odd with odd
  const l = new Layout();
  l.set({ ids, links });
  settle(l);
  const mean = (pairs: [number, number][]) => pairs.reduce((sum, [a, b]) => sum + distance(place(l, ids[a]!), place(l, ids[b]!)), 0) / pairs.length;
  const across: [number, number][] = [];
  for (let a = 0; a < 16; a += 2) for (let b = 1; b < 16; b += 2) across.push([a, b]);
  expect(mean(links)).toBeLessThan(0.8 * mean(across));
});

test("it settles, and the same graph gives the same picture", () => {
  const [one, two] = [new Layout(), new Layout()];
  const graph = { ids: Array.from({ length: 200 }, (_, i) => `p${i}`), links: Array.from({ length: 199 }, (_, i): [number, number] => [i, i + 1]) };
  for (const l of [one, two]) {
    l.set(graph);
    expect(settle(l)).toBeLessThan(1000);
  }
  expect(one.positions().xy).toEqual(two.positions().xy);
});

test("who comes starts near its neighbour; who stays hardly moves", () => {
  const l = new Layout();
  l.set({ ids: ["a", "b", "c"], links: [[0, 1], [1, 2]] });
  settle(l);
  const before = place(l, "a");
  l.set({ ids: ["a", "b", "c", "new"], links: [[0, 1], [1, 2], [2, 3]] });
  expect(distance(place(l, "new"), place(l, "c"))).toBeLessThan(10);
  expect(distance(place(l, "a"), before)).toBe(0);
  l.set({ ids: ["a", "new"], links: [[0, 1]] });
  expect(l.positions().ids).toEqual(["a", "new"]);
});

test("a link to nobody is left out", () => {
  const l = new Layout();
  l.set({ ids: ["a"], links: [[0, 7]] });
  expect(() => settle(l)).not.toThrow();
});
