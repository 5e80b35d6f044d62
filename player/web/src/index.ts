// The package's entry.
export { createEngine } from "./peer.ts";
export type * from "./engine.ts";
