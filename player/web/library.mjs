// Builds what pages load: the classic script and the package's modules.
//
//   shoal.js      classic script
//   shoal.mjs     module
//   worker.js     module that both start as a worker
//   shoal-sw.js   classic script for a site's service worker
//   disk.js       module that the worker loads for the option disk
//   ed25519.js    module that it loads where WebCrypto has no Ed25519
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

/** Files that the worker loads when they are needed. */
const beside = {
  name: "beside",
  setup(b) {
    const files = { "disk.ts": "./disk.js", "noble.ts": "./ed25519.js" };
    b.onResolve({ filter: /\/(disk|noble)\.ts$/ }, ({ kind, path }) =>
      kind === "dynamic-import" ? { path: files[path.split("/").at(-1)], external: true } : undefined,
    );
  },
};

/** The worker, for every build that has one. */
export const worker = { format: "esm", plugins: [beside] };

/** Bundles into `out`. */
export async function buildLibrary(out) {
  const options = { ...(await pageOptions()), sourcemap: true };
  const entry = (name, file, more) => build({ ...options, entryPoints: [here(`src/${name}`)], outfile: `${out}/${file}`, ...more });
  // What passes between files must bear the same names in all of them.
  const { mangleCache } = await entry("worker/entry.ts", "worker.js", { ...worker, mangleCache: {} });
  await entry("segments/disk.ts", "disk.js", { format: "esm", mangleCache });
  await entry("segments/noble.ts", "ed25519.js", { format: "esm", mangleCache });
  await entry("module.ts", "shoal.mjs", { format: "esm", mangleCache });
  await entry("classic.ts", "shoal.js", { format: "iife", mangleCache });
  await entry("sw.ts", "shoal-sw.js", { format: "iife", mangleCache });
}
