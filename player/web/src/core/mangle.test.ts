/// <reference types="vite/types/importMeta.d.ts" />
import { expect, test } from "vitest";
import { bundle, pageOptions } from "../../library.mjs";
import { ownNames } from "../../mangled.mjs";
import { type Replayed, camel } from "./replay.ts";

const lives = import.meta.glob<string>("../../../../swarm/testdata/vectors/*.json", { query: "?raw", import: "default", eager: true });

// What viewers load is not what the other tests run: names are shortened and
// explanations left out. It must decide alike.
test("the core with shortened names replays every vector", { timeout: 240_000 }, async () => {
  // what vectors name must keep its name
  const spoken = new Set(Object.values(lives).flatMap((v) => [...v.matchAll(/"(\w+)":/g)].map(([, name]) => camel(name!))));
  const { code } = await bundle({
    ...pageOptions(),
    define: { __EXPLAIN__: "false", __SEEDS__: "true" }, // some vectors are of seeds
    entryPoints: ["src/core/replay.ts"],
    format: "esm",
    outfile: "replay.js",
    reserveProps: new RegExp(`^(${[...spoken].join("|")})$`),
  });
  expect(code).not.toContain("electFrom");
  const { replay } = (await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(code)}`)) as {
    replay: (vector: string) => Iterable<Replayed>;
  };
  expect(Object.keys(lives).length).toBeGreaterThan(20);
  for (const [file, vector] of Object.entries(lives))
    for (const { step, want, got } of replay(vector)) if (JSON.stringify(got) !== JSON.stringify(want)) expect(got, `${file} ${step}`).toEqual(want);
});

test("what only we read is shortened, what others read is not", { timeout: 240_000 }, () => {
  const names = new Set(ownNames());
  for (const name of ["electFrom", "slices", "outbound", "assembly", "thisMonth"]) expect(names, name).toContain(name);
  const read = {
    "a map on the wire": "version swarm secret links max_links token except place count sdp candidate",
    options: "signal swarm requireSigned relayOnly rollout hiddenUpload batteryLow ahead",
    "events and figures": "key bytes sources peers integrity offload originByCause rttMs receivedBytes",
    IndexedDB: "entry swarm at meta contentType etag size weight leaves statement signature lengths",
    "the browser": "iceServers iceTransportPolicy negotiated credentials highWaterMark onbufferedamountlow",
    "players: dash.js, hls.js, Shaka": "streamDataCallback representation frag loadPolicy registerScheme",
    "another file of ours": "serve openDisk verify",
  };
  for (const [who, list] of Object.entries(read)) for (const name of list.split(" ")) expect(names, `${who}: ${name}`).not.toContain(name);
});
