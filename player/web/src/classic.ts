// The classic script, shoal.js: sets the global `shoal`. Its worker is the file worker.js
// beside it.
import { home } from "./home.ts";
import { attachDash, attachHls, attachShaka, createEngine, fetch, on, options, renewToken, serviceWorker, stats } from "./index.ts";
import { workerAt } from "./worker/source.ts";

home.script = (document.currentScript as HTMLScriptElement | null)?.src ?? "";
if (home.script) workerAt(new URL("worker.js", home.script).href);
// Spelt out: a namespace made an object by the bundler is a helper and a getter for each name.
const shoal = { attachDash, attachHls, attachShaka, createEngine, fetch, on, options, renewToken, serviceWorker, stats } satisfies typeof import("./index.ts");
(globalThis as { shoal?: unknown }).shoal = shoal;
