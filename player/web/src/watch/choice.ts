// What is watched, kept in the page's address so that it survives a reload and
// another viewer opens the same.

export const players = ["dash", "hls", "shaka"] as const;
export const modes = ["live", "vod"] as const;

export interface Choice {
  player: (typeof players)[number];
  mode: (typeof modes)[number];
  p2p: boolean;
}

/** Reads a query string; whatever it does not say, or says wrongly, is as in usual. */
export function readChoice(query: string, usual: Choice): Choice {
  const q = new URLSearchParams(query);
  const one = <T extends string>(of: readonly T[], name: string, otherwise: T): T =>
    of.find((v) => v === q.get(name)) ?? otherwise;
  return {
    player: one(players, "player", usual.player),
    mode: one(modes, "mode", usual.mode),
    p2p: one(["on", "off"], "p2p", usual.p2p ? "on" : "off") === "on",
  };
}

export const writeChoice = (c: Choice): string =>
  `?${new URLSearchParams({ player: c.player, mode: c.mode, p2p: c.p2p ? "on" : "off" })}`;

/** The manifest that a player opens: DASH for dash.js and Shaka, HLS for hls.js. */
export const manifestPath = (c: Choice): string => `/${c.mode}/${c.player === "hls" ? "master.m3u8" : "manifest.mpd"}`;
