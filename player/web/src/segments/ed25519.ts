// Ed25519 signatures (RFC 8032): WebCrypto's where the browser has them, else those
// of @noble/ed25519, which is a file of its own that nobody else loads.
import { lazy } from "./lazy.ts";

/** Says whether `signature` over `message` is `key`'s owner's. */
export type Verify = (key: Uint8Array, message: Uint8Array, signature: Uint8Array) => Promise<boolean>;

let chosen: Promise<Verify> | undefined;

async function choose(): Promise<Verify> {
  try {
    const imported = new Map<string, Promise<CryptoKey>>();
    const importKey = (raw: Uint8Array) => crypto.subtle.importKey("raw", raw as BufferSource, "Ed25519", false, ["verify"]);
    await importKey(new Uint8Array(32)); // throws where the browser does not know the curve
    return async (key, message, signature) => {
      const name = key.join();
      let known = imported.get(name);
      if (!known) imported.set(name, (known = importKey(key)));
      return crypto.subtle.verify("Ed25519", await known, signature as BufferSource, message as BufferSource);
    };
  } catch {
    return (await lazy.ed25519()).verify;
  }
}

/**
 * Verifies a signature. Rejects where neither way is there; callers must take that
 * for "not verified".
 */
export async function verify(key: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  try {
    return await (await (chosen ??= choose()))(key, message, signature);
  } catch (error) {
    chosen = undefined; // the file may load next time
    throw error;
  }
}

