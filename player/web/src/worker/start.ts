// Starts the worker from wherever our script came from, or does its work on the page
// where the browser lets no worker start.
import { WorkerName, type FromWorker, type Port } from "./messages.ts";
import { source } from "./source.ts";

/** How long a worker may take to say that it runs, ms. */
const Patience = 5000;

export interface Started {
  port: Port;
  /** In a worker, not on the page: channels can be tried to be moved there. */
  inside: boolean;
  stop(): void;
}

/** `script` is where worker.js is, if not beside ours. Rejects when it cannot be had at all. */
export async function startWorker(script: string | undefined, receive: (m: FromWorker) => void): Promise<Started> {
  const url = script ? new URL(script, location.href).href : source.url;
  const worker = url && (await tryWorker(url));
  if (worker) {
    worker.onmessage = ({ data }) => receive(data);
    return { port: worker as Port, inside: true, stop: () => worker.terminate() };
  }
  if (!url) throw new Error("shoal: where worker.js is, is not known; say so with the option script");
  // Quoted, so that it keeps the name that the file exports it by.
  const { "serve": serve } = (await import(/* @vite-ignore */ /* webpackIgnore: true */ url)) as { serve(port: Port): void };
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => receive(data);
  serve(port2);
  const stop = () => {
    port1.close();
    port2.close();
  };
  return { port: port1, inside: false, stop };
}

/** A worker that runs; undefined where a policy, the network or the browser is against it. */
async function tryWorker(url: string): Promise<Worker | undefined> {
  let worker: Worker;
  try {
    worker = new Worker(sameOrigin(url), { name: WorkerName, type: "module" });
  } catch {
    return undefined;
  }
  const runs = await new Promise<boolean>((resolve) => {
    worker.onmessage = () => resolve(true); // its first word is that it is ready
    worker.onerror = () => resolve(false);
    setTimeout(() => resolve(false), Patience);
  });
  worker.onerror = null;
  if (runs) return worker;
  worker.terminate();
  return undefined;
}

/** Workers start from the page's own origin only: what comes from another is wrapped in a blob. */
function sameOrigin(url: string): string {
  if (new URL(url).origin === location.origin) return url;
  return URL.createObjectURL(new Blob([`import ${JSON.stringify(url)}`], { type: "text/javascript" }));
}
