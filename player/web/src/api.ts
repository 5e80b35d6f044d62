// What a page gets. index.ts adds the engine.
import { attachDash, type DashPlayer } from "./adapters/dash.ts";
import { makeFetch } from "./adapters/fetch.ts";
import { attachHls } from "./adapters/hls.ts";
import { answerServiceWorker } from "./adapters/serviceworker.ts";
import { on, pageOptions, renewToken, stats } from "./adapters/session.ts";
import { attachShaka } from "./adapters/shaka.ts";
import { settings, type Options } from "./options.ts";

/** Sets options for everything attached from now on; those given to an attach come first. Returns all that were set. */
function options(given?: Options): Options {
  settings(given); // throws before anything is changed
  return Object.assign(pageOptions, given);
}

const shared = makeFetch();

/** Lets a service worker with shoal-sw.js answer from this page's peers. The function returned ends it. */
const serviceWorker = (): (() => void) => answerServiceWorker(shared);

export { attachDash, attachHls, attachShaka, on, options, renewToken, serviceWorker, shared as fetch, stats };
export type { Options, DashPlayer };
export type { Attached } from "./adapters/attached.ts";
export type { EngineEvents as Events, EngineStats as Stats, Source } from "./engine.ts";
