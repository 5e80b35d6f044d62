/// <reference types="vite/types/importMeta.d.ts" />
import { build } from "esbuild";
import { expect, test } from "vitest";
import { ownNames } from "../../mangled.mjs";
import { type Replayed, camel } from "./replay.ts";

const life = import.meta.glob<string>("../../../../swarm/testdata/vectors/sim_trouble.json", {
  query: "?raw",
  import: "default",
  eager: true,
});

// What viewers load is not what the other tests run: names are shortened and
// explanations left out. It must decide alike.
test("the core with shortened names replays a life", async () => {
  const names = await ownNames();
  expect(names.source.split("|").length).toBeGreaterThan(20);
  // what the vector names must keep its name
  const vector = Object.values(life)[0]!;
  const spoken = new Set([...vector.matchAll(/"(\w+)":/g)].map(([, name]) => camel(name!)));
  const bundle = await build({
    entryPoints: ["src/core/replay.ts"],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    define: { __EXPLAIN__: "false" },
    mangleProps: names,
    reserveProps: new RegExp(`^(${[...spoken].join("|")})$`),
    write: false,
  });
  const code = bundle.outputFiles[0]!.text;
  expect(code).not.toContain("electFrom");
  const { replay } = (await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(code)}`)) as {
    replay: (vector: string) => Iterable<Replayed>;
  };
  for (const { step, want, got } of replay(vector)) expect(got, step).toEqual(want);
});
