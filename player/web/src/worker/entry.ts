// The file worker.js. The page imports it where no worker can be started.
import { lazy } from "../segments/lazy.ts";
import { WorkerName, type Port } from "./messages.ts";
import { serve } from "./worker.ts";

declare const WorkerGlobalScope: unknown;

// Files beside this one.
lazy.disk = () => import("../segments/disk.ts");
lazy.ed25519 = () => import("../segments/noble.ts");

if (typeof WorkerGlobalScope !== "undefined" && self.name === WorkerName) serve(globalThis as unknown as Port);

export { serve };
