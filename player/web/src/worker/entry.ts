// The package's file worker.js. The page imports it where no worker can be started.
import { WorkerName, type Port } from "./messages.ts";
import { serve } from "./worker.ts";

declare const WorkerGlobalScope: unknown;

if (typeof WorkerGlobalScope !== "undefined" && self.name === WorkerName) serve(globalThis as unknown as Port);

export { serve };
