import { expect, it } from "vitest";
import { signalOf } from "./home.ts";

it.each([
  ["https://signal.example/shoal.js", "wss://signal.example/ws"],
  ["http://localhost:8080/shoal.js?v=2", "ws://localhost:8080/ws"],
  ["https://a.example/p2p/shoal.mjs", "wss://a.example/p2p/ws"],
  ["https://a.example/bundle.js", undefined],
  ["https://a.example/notshoal.js", undefined],
  ["", undefined],
])("%s is beside %s", (script, signal) => expect(signalOf(script)).toBe(signal));
