import { expect, test } from "vitest";
import { changed, edges, linksOf, maxEdges, offload, type Link, type Peer, type Swarm } from "./model.ts";
import { onMap, usualMode } from "./places.ts";

const peer = (id: string, place: Peer["place"] = null): Peer => ({ id, seed: false, place, report: null });
const link = (a: string, b: string, ab: number, ba: number): Link => ({ a, b, ab, ba, rtt_ms: 10 });
const summary = { swarm: "~x", members: 0, here: 0, seeds: 0, origin_bytes: 0, peer_bytes: 0, stalls: 0, offload: 0 };
const swarm = (peers: Peer[], links: Link[] = []): Swarm => ({ summary, peers, links, history: [] });

test("an edge goes the way most bytes go; one to another server is left out", () => {
  expect(edges(swarm([peer("a"), peer("b")], [link("a", "b", 30, 500), link("a", "elsewhere", 9, 9)])))
    .toEqual([{ from: 1, to: 0, flow: 530 }]);
});

test("there is an end to edges: those that carry most are kept", () => {
  const peers = Array.from({ length: 200 }, (_, i) => peer(String(i).padStart(3, "0")));
  const links = peers.flatMap((p, i) => peers.slice(i + 1, i + 50).map((q) => link(p.id, q.id, i, 0)));
  const list = edges(swarm(peers, links));
  expect(links.length).toBeGreaterThan(maxEdges);
  expect(list).toHaveLength(maxEdges);
  expect(Math.min(...list.map((e) => e.flow))).toBeGreaterThan(0);
});

test("changes are put over what is there", () => {
  const before = { ...swarm([peer("a"), peer("b"), peer("c")], [link("a", "b", 1, 1), link("b", "c", 1, 1)]),
    history: [{ at: "1", members: 3, offload: 0, saved_bytes: 0 }] };
  const after = changed(before, {
    peers: [{ ...peer("b"), seed: true }, peer("d")], gone: ["c"],
    links: [link("a", "d", 5, 5)], unlinked: [["b", "c"]],
    history: [{ at: "2", members: 3, offload: 0.5, saved_bytes: 9 }],
  });
  expect(after.peers.map((p) => [p.id, p.seed])).toEqual([["a", false], ["b", true], ["d", false]]);
  expect(after.links.map((l) => l.a + l.b)).toEqual(["ab", "ad"]);
  expect(after.history.map((p) => p.at)).toEqual(["1", "2"]);
  expect(changed(after, {})).toEqual(after);
});

test("a peer's links are seen from it, the busiest first", () => {
  expect(linksOf(swarm([], [link("a", "m", 1, 2), link("m", "z", 30, 40), link("a", "z", 7, 7)]), "m")).toEqual([
    { peer: "z", rttMs: 10, in: 40, out: 30 }, { peer: "a", rttMs: 10, in: 1, out: 2 },
  ]);
});

test("offload is of a peer's bytes", () => {
  expect(offload({ origin_bytes: 25, peer_bytes: 75 })).toBe(0.75);
  expect(offload({ origin_bytes: 0, peer_bytes: 0 })).toBeNaN();
});

test("the map is shown when most have a place", () => {
  expect(usualMode([])).toBe("links");
  expect(usualMode([peer("a", [50, 8]), peer("b")])).toBe("map");
  expect(usualMode([peer("a", [50, 8]), peer("b"), peer("c")])).toBe("links");
});

test("everybody is somewhere, nobody on top of another", () => {
  const peers = [peer("a", [50, 8]), peer("b", [50, 8]), peer("c"), peer("d")];
  const { at, known } = onMap(peers, [{ from: 0, to: 2, flow: 0 }]);
  expect(known).toEqual([true, true, false, false]);
  expect(at[0]).toEqual([8, 50]);
  expect(Math.hypot(at[2]![0] - 8, at[2]![1] - 50)).toBeLessThan(1);
  expect(at[3]![1]).toBeLessThan(-60);
  expect(new Set(at.map(String)).size).toBe(4);
});
