// The classic script, shoal.js: sets the global `shoal`. Its worker is the file worker.js
// beside it.
import { home } from "./home.ts";
import * as shoal from "./index.ts";
import { workerAt } from "./worker/source.ts";

home.script = (document.currentScript as HTMLScriptElement | null)?.src ?? "";
if (home.script) workerAt(new URL("worker.js", home.script).href);
(globalThis as { shoal?: unknown }).shoal = shoal;
