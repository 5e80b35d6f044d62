import * as noble from "@noble/hashes/sha2.js";
import { expect, test } from "vitest";
import { hex } from "./bytes.ts";
import { sha224, sha256 } from "./sha2.ts";

test("as @noble/hashes has it, for every length around the blocks' ends", () => {
  const text = Uint8Array.from({ length: 20_000 }, (_, i) => (i * i) >>> 3);
  for (const length of [...Array(200).keys(), 16_384, 20_000]) {
    // A view in the middle of a buffer, as they come off the wire.
    const message = text.subarray(20_000 - length);
    expect(hex(sha256(message))).toBe(hex(noble.sha256(message)));
    expect(hex(sha224(message))).toBe(hex(noble.sha224(message)));
  }
});

test("as WebCrypto has it", async () => {
  const message = crypto.getRandomValues(new Uint8Array(5000));
  expect(hex(sha256(message))).toBe(hex(new Uint8Array(await crypto.subtle.digest("SHA-256", message))));
});
