import { expect, test } from "vitest";
// @ts-expect-error: a build script, without types
import { sizes } from "../size.mjs";

interface Size {
  name: string;
  size: number;
  limit: number;
}

test("what pages load keeps to size.json", { timeout: 240_000 }, async () => {
  const all: Size[] = await sizes();
  expect(all.map(({ name }) => name)).toContain("all adapters: page and worker");
  for (const { name, size, limit } of all) expect(size, name).toBeLessThanOrEqual(limit);
});
