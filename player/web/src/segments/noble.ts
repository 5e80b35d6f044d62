// The file ed25519.js: signatures for browsers whose WebCrypto has none, loaded only
// where they are needed.
import { hashes, verify as check } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import type { Verify } from "./ed25519.ts";

hashes.sha512 = sha512;

/** As the interface says. Never throws: a signature that cannot be read does not hold. */
export const verify: Verify = async (key, message, signature) => {
  try {
    return check(signature, message, key);
  } catch {
    return false;
  }
};
