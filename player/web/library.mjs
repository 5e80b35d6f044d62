// Builds what pages load: the classic script and the package's modules.
//
//   shoal.js      classic script, its own worker
//   shoal.mjs     module; starts worker.js
//   worker.js     module; complete in itself, so that any bundler may copy it
//   shoal-sw.js   classic script for a site's service worker
//   ed25519.js    module for browsers whose WebCrypto has no Ed25519
//
// Names of properties that only our own code sees are shortened. Which these are is
// found out, not listed: see mangled.mjs.
import { build } from "esbuild";
import { fileURLToPath } from "node:url";
import { ownNames } from "./mangled.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Options of every build for pages. */
export async function pageOptions() {
  return {
    bundle: true,
    minify: true,
    target: "es2022",
    legalComments: "none",
    logLevel: "warning",
    // Texts that explain decisions are for tests.
    define: { __EXPLAIN__: "false" },
    mangleProps: await ownNames(),
    write: true,
  };
}

/** The module build has the worker beside it, not inside. */
const workerBeside = {
  name: "worker-beside",
  setup(b) {
    b.onResolve({ filter: /^\.\/worker\.ts$/ }, ({ importer }) =>
      importer.endsWith("start.ts") ? { path: "./worker.js", external: true } : undefined,
    );
  },
};

/** Bundles into `out`. */
export async function buildLibrary(out) {
  const options = { ...(await pageOptions()), sourcemap: true };
  const entry = (name, file, more) => build({ ...options, entryPoints: [here(`src/${name}`)], outfile: `${out}/${file}`, ...more });
  // What passes between page and worker must bear the same names in both files.
  const { mangleCache } = await entry("worker/entry.ts", "worker.js", { format: "esm", mangleCache: {} });
  await entry("module.ts", "shoal.mjs", { format: "esm", mangleCache, plugins: [workerBeside] });
  await entry("classic.ts", "shoal.js", { format: "iife" });
  await entry("sw.ts", "shoal-sw.js", { format: "iife" });
  await entry("segments/noble.ts", "ed25519.js", { format: "esm", mangleProps: undefined });
}
