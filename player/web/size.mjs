// Holds what pages load to its size: brotli, in bytes. Run by CI.
//   core + dash.js adapter   20 KB
//   all adapters             26 KB
import { build } from "esbuild";
import { readFileSync } from "node:fs";
import { brotliCompressSync, constants } from "node:zlib";
import { fileURLToPath } from "node:url";
import { pageOptions } from "./library.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const budget = JSON.parse(readFileSync(here("size.json"), "utf8"));

let over = false;
for (const { name, exports, limit } of budget) {
  const { outputFiles, metafile } = await build({
    ...(await pageOptions()),
    stdin: {
      contents: `import { ${exports.join(", ")} } from "./index.ts"; import "./worker/entry.ts"; globalThis.shoal = { ${exports.join(", ")} };`,
      resolveDir: here("src"),
      loader: "ts",
    },
    format: "iife",
    write: false,
    metafile: true,
  });
  const [file] = outputFiles;
  const size = brotliCompressSync(file.contents, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length;
  console.log(`${name}: ${size} of ${limit} bytes brotli, ${file.contents.length} minified`);
  if (process.argv.includes("--parts")) {
    const parts = Object.values(metafile.outputs)[0].inputs;
    for (const [path, { bytesInOutput }] of Object.entries(parts).sort((a, b) => b[1].bytesInOutput - a[1].bytesInOutput).slice(0, 40))
      console.log(`  ${String(bytesInOutput).padStart(6)}  ${path}`);
  }
  over ||= size > limit;
}
if (over) {
  console.error("too large: see what grew with  npm run size -- --parts");
  process.exit(1);
}
