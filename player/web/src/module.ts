// The module build, shoal.mjs. Its worker is the file worker.js beside it; the address is
// written so that bundlers find the file.
import { home } from "./home.ts";
import { workerAt } from "./worker/source.ts";

export * from "./index.ts";

home.script = import.meta.url;
workerAt(new URL("./worker.js", import.meta.url).href);
