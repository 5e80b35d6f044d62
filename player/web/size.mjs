// Holds what is loaded to its size: brotli, in bytes. Run by CI, from vitest.
//
//   npm run size              what there is, and what it may be (size.json)
//   npm run size -- --parts   and what it is made of
import { build } from "esbuild";
import { readFileSync } from "node:fs";
import { brotliCompressSync, constants } from "node:zlib";
import { fileURLToPath } from "node:url";
import { pageOptions, worker } from "./library.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** What each line of size.json comes to. */
export async function sizes() {
  const options = await pageOptions();
  const budget = JSON.parse(readFileSync(here("size.json"), "utf8"));
  return Promise.all(
    budget.map(async ({ name, entry, exports, limit }) => {
      const source = entry
        ? { entryPoints: [here(`src/${entry}`)] }
        : { stdin: { contents: `export { ${exports.join(", ")} } from "./index.ts";`, resolveDir: here("src"), loader: "ts" } };
      const how = entry?.startsWith("worker/") ? worker : { format: "iife", globalName: "shoal" };
      const { outputFiles, metafile } = await build({ ...options, ...source, ...how, outdir: "out", write: false, metafile: true });
      const [file] = outputFiles;
      const size = brotliCompressSync(file.contents, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length;
      const parts = Object.entries(Object.values(metafile.outputs)[0].inputs).map(([path, { bytesInOutput }]) => ({ path, bytes: bytesInOutput }));
      return { name, size, limit, minified: file.contents.length, parts };
    }),
  );
}

if (process.argv[1] === here("size.mjs")) {
  for (const { name, size, limit, minified, parts } of await sizes()) {
    console.log(`${String(size).padStart(6)} of ${limit} bytes  ${name}  (${minified} minified)`);
    if (size > limit) process.exitCode = 1;
    if (!process.argv.includes("--parts")) continue;
    parts.sort((a, b) => b.bytes - a.bytes);
    for (const { path, bytes } of parts.slice(0, 25)) console.log(`        ${String(bytes).padStart(6)}  ${path}`);
  }
}
