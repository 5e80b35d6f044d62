// Where this script came from: the signalling server, if it serves it.

/** Set by the entry of each build. */
export const home = { script: "" };

/**
 * The websocket of the server that a script named shoal.js or shoal.mjs came from: /ws beside
 * it. Undefined for a script of another name, such as a page's own bundle.
 */
export function signalOf(script: string): string | undefined {
  const at = /^http(s?:\/\/.*\/)shoal\.m?js([?#].*)?$/.exec(script);
  return at ? `ws${at[1]}ws` : undefined;
}
