// The package's entry.
import { useEngines } from "./adapters/session.ts";
import { home, signalOf } from "./home.ts";
import { createEngine } from "./peer.ts";

useEngines((options) => {
  const signal = options.signal ?? signalOf(home.script);
  return createEngine({ ...options, ...(signal && { signal }) });
});

export * from "./api.ts";
export { createEngine };
export type * from "./engine.ts";
