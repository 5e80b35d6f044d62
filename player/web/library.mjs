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
// found out, not listed: see mangled.mjs. terser goes over what esbuild has bundled and
// minified, for another 4 %.
import { build } from "esbuild";
import { writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { minify } from "terser";
import { fileURLToPath } from "node:url";
import { ownNames } from "./mangled.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Options of every build for pages. */
export function pageOptions() {
  return {
    bundle: true,
    // White space is left to terser: the comments that bundlers read would go with it.
    minifyIdentifiers: true,
    minifySyntax: true,
    target: "es2022",
    legalComments: "none",
    logLevel: "warning",
    // Texts that explain decisions, and the rules of seeds, are for tests.
    define: { __EXPLAIN__: "false", __SEEDS__: "false" },
    mangleProps: new RegExp(`^(${ownNames().join("|")})$`),
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

/**
 * Bundles with esbuild's options, `outfile` among them, and minifies. Returns the code, its
 * source map, the names given to properties, and what of the bundle came from which file.
 */
export async function bundle(options) {
  const { outputFiles, mangleCache, metafile } = await build({ ...options, sourcemap: "external", metafile: true, write: false });
  const [map, js] = outputFiles.sort((a, b) => b.path.endsWith(".map") - a.path.endsWith(".map"));
  const min = await minify(js.text, {
    // Names at a module's top are its own, and it is strict without saying so.
    module: options.format === "esm",
    ecma: 2020,
    // What else compress would do makes less of a text, and more of it after brotli.
    compress: { passes: 2, sequences: false, arrows: false, collapse_vars: false },
    // What bundlers read of an import() is to reach them.
    format: { comments: options.format === "esm" && /@vite-ignore|webpackIgnore/ },
    sourceMap: { content: map.text, filename: basename(options.outfile), includeSources: true },
  });
  const [{ inputs }] = Object.values(metafile.outputs).filter((o) => o.entryPoint);
  return { code: min.code, map: min.map, mangleCache, inputs };
}

/** Bundles into `out`. */
export async function buildLibrary(out) {
  const options = pageOptions();
  const entry = async (name, file, more) => {
    const { code, map, mangleCache } = await bundle({ ...options, entryPoints: [here(`src/${name}`)], outfile: `${out}/${file}`, ...more });
    await writeFile(`${out}/${file}`, `${code}\n//# sourceMappingURL=${file}.map\n`);
    await writeFile(`${out}/${file}.map`, map);
    return mangleCache;
  };
  // What passes between files must bear the same names in all of them.
  const mangleCache = await entry("worker/entry.ts", "worker.js", { ...worker, mangleCache: {} });
  await entry("segments/disk.ts", "disk.js", { format: "esm", mangleCache });
  await entry("segments/noble.ts", "ed25519.js", { format: "esm", mangleCache });
  await entry("module.ts", "shoal.mjs", { format: "esm", mangleCache });
  await entry("classic.ts", "shoal.js", { format: "iife", mangleCache });
  await entry("sw.ts", "shoal-sw.js", { format: "iife", mangleCache });
}
