// The module build, shoal.mjs: its worker is a file beside it. The address is written so
// that bundlers find the file.
import { home } from "./home.ts";
import { base } from "./worker/source.ts";

export * from "./index.ts";

base.worker = new URL("./worker.js", import.meta.url).href;
base.module = true;
home.script = import.meta.url;
