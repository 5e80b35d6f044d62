/// <reference types="vite/types/importMeta.d.ts" />
import { expect, test } from "vitest";
import { replay } from "./replay.ts";

const files = import.meta.glob<string>("../../../../swarm/testdata/vectors/*.json", {
  query: "?raw",
  import: "default",
  eager: true,
});

test("there are vectors", () => expect(Object.keys(files).length).toBeGreaterThan(20));

for (const [path, text] of Object.entries(files))
  test(path.split("/").at(-1)!, () => {
    for (const { step, want, got } of replay(text)) expect(got, step).toEqual(want);
  });
