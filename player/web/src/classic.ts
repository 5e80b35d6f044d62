// The classic script, shoal.js: sets the global `shoal` on a page, and is the worker's
// script at the same time, so that its bytes are loaded once.
import { home } from "./home.ts";
import * as shoal from "./index.ts";
import type { Port } from "./worker/messages.ts";
import { WorkerName } from "./worker/messages.ts";
import { base } from "./worker/source.ts";
import { serve } from "./worker/worker.ts";

declare const WorkerGlobalScope: unknown;

if (typeof WorkerGlobalScope !== "undefined" && self.name === WorkerName) serve(globalThis as unknown as Port);
else {
  base.worker = home.script = (globalThis.document?.currentScript as HTMLScriptElement | null)?.src ?? "";
  (globalThis as { shoal?: unknown }).shoal = shoal;
}
