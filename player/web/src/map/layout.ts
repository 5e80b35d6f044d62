// Where peers without a place are drawn: a force layout of the links, computed off
// the main thread so that the page stays smooth while thousands find their places.

import { forceLink, forceManyBody, forceSimulation, forceX, forceY, type Simulation, type SimulationNodeDatum } from "d3-force";

interface Node extends SimulationNodeDatum {
  id: string;
}

/** What the layout is told: the peers of now and the links between them, as indices. */
export interface Graph {
  ids: string[];
  links: [from: number, to: number][];
}

/** What it tells: x and y of each peer in the order of the ids, about within ±1000. */
export interface Positions {
  ids: string[];
  xy: Float32Array;
}

/** A layout that goes on from where it was when the graph changes. */
export class Layout {
  #nodes = new Map<string, Node>();
  #simulation: Simulation<Node, undefined> = forceSimulation<Node>()
    .stop()
    .force("charge", forceManyBody<Node>().strength(-18).distanceMax(400).theta(1.2))
    .force("x", forceX<Node>(0).strength(0.03))
    .force("y", forceY<Node>(0).strength(0.03));
  #ids: string[] = [];

  /** Takes a new graph. Known peers stay where they are, new ones start near a neighbour. */
  set(graph: Graph): void {
    const before = this.#nodes;
    this.#nodes = new Map();
    const nodes = graph.ids.map((id, i) => {
      const node = before.get(id) ?? { id, ...start(i) };
      this.#nodes.set(id, node);
      return node;
    });
    for (const [a, b] of graph.links) {
      for (const [from, to] of [[a, b], [b, a]] as const) {
        const [fresh, anchor] = [nodes[to], nodes[from]];
        if (!fresh || !anchor || before.has(fresh.id) || !before.has(anchor.id)) continue;
        fresh.x = anchor.x! + (fresh.index ?? to % 7) - 3;
        fresh.y = anchor.y! + (to % 5) - 2;
      }
    }
    const changed = before.size === 0 ? 1 : Math.min(1, 0.1 + differing(before, this.#nodes) / Math.max(1, graph.ids.length));
    const links = graph.links.filter(([a, b]) => nodes[a] && nodes[b]).map(([source, target]) => ({ source, target }));
    this.#simulation.nodes(nodes).force("link", forceLink(links).distance(40).strength(0.15));
    this.#simulation.alpha(Math.max(this.#simulation.alpha(), changed));
    this.#ids = graph.ids;
  }

  /** One step; false when everybody has found a place. */
  step(): boolean {
    if (this.#simulation.alpha() < this.#simulation.alphaMin()) return false;
    this.#simulation.tick();
    return true;
  }

  positions(): Positions {
    const xy = new Float32Array(this.#ids.length * 2);
    this.#ids.forEach((id, i) => {
      const node = this.#nodes.get(id)!;
      xy[2 * i] = node.x!;
      xy[2 * i + 1] = node.y!;
    });
    return { ids: this.#ids, xy };
  }
}

/** A spiral of the golden angle: no two start in one place, and the same graph gives the same picture. */
function start(i: number): { x: number; y: number } {
  const [radius, angle] = [12 * Math.sqrt(i + 0.5), i * Math.PI * (3 - Math.sqrt(5))];
  return { x: radius * Math.cos(angle), y: radius * Math.sin(angle) };
}

function differing(a: Map<string, unknown>, b: Map<string, unknown>): number {
  let n = 0;
  for (const id of a.keys()) if (!b.has(id)) n++;
  for (const id of b.keys()) if (!a.has(id)) n++;
  return n;
}
