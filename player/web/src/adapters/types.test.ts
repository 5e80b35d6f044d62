// The players' own types fit the adapters': a page in TypeScript needs no cast.
import type { MediaPlayerClass } from "dashjs";
import type Hls from "hls.js";
import { expect, it } from "vitest";
import { attachDash, attachHls, type Attached } from "../api.ts";

it("fits the players' types", () => {
  const dash = (player: MediaPlayerClass): Attached => attachDash(player, { upload: 1e6 });
  const hls = (Plain: typeof Hls): Hls => new (attachHls(Plain))({ lowLatencyMode: true });
  expect([typeof dash, typeof hls]).toEqual(["function", "function"]);
});
