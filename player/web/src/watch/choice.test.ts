import { expect, test } from "vitest";
import { manifestPath, readChoice, writeChoice, type Choice } from "./choice.ts";

const usual: Choice = { player: "dash", mode: "live", p2p: true };

test("a choice is read back from the address", () => {
  for (const player of ["dash", "hls", "shaka"] as const)
    for (const mode of ["live", "vod"] as const)
      for (const p2p of [true, false])
        expect(readChoice(writeChoice({ player, mode, p2p }), usual)).toEqual({ player, mode, p2p });
});

test("nonsense in the address changes nothing", () => {
  expect(readChoice("", usual)).toEqual(usual);
  expect(readChoice("?player=flash&mode=&p2p=maybe&x=1", usual)).toEqual(usual);
});

test("players open the manifest of their format", () => {
  expect(manifestPath(usual)).toBe("/live/manifest.mpd");
  expect(manifestPath({ ...usual, player: "hls", mode: "vod" })).toBe("/vod/master.m3u8");
  expect(manifestPath({ ...usual, player: "shaka" })).toBe("/live/manifest.mpd");
});
