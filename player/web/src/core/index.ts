// What the rest of the browser client may know of the brain.
export { Core } from "./core.ts";
export { type Config, type Settings, Version } from "./config.ts";
export { type Counters, type Sizes, sizes } from "./counters.ts";
export * from "./effect.ts";
export * from "./input.ts";
export * from "./message.ts";
export * from "./time.ts";
export { Reason } from "./timer.ts";
export { MaxHops, MaxPieces, PieceSize, pieceCount } from "./limits.ts";
