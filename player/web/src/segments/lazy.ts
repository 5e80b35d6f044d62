// Parts that few viewers need, and that are loaded only then.
import type { Verify } from "./ed25519.ts";
import type { DiskTier } from "./disk.ts";

const missing = () => Promise.reject(new Error("not part of this build"));

/** Set by the worker's entry. */
export const lazy: {
  /** IndexedDB, where the page wants segments to survive a reload. */
  disk: () => Promise<{ openDisk(swarm: string, limit: number): Promise<DiskTier> }>;
  /** Signatures, where WebCrypto has no Ed25519. */
  ed25519: () => Promise<{ verify: Verify }>;
} = { disk: missing, ed25519: missing };
