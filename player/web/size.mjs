// Holds what is loaded to its size: brotli, in bytes. Run by CI, from vitest.
//
//   npm run size              what there is, what it may be and what it should be (size.json), and the rival
//   npm run size -- --parts   and what it is made of
//
// A limit is what there was when it was last made smaller, up to the next 250 bytes: whoever makes it
// smaller lowers it. A goal is what we want, so that everybody sees how far off it is.
import { existsSync, readFileSync } from "node:fs";
import { brotliCompressSync, constants } from "node:zlib";
import { fileURLToPath } from "node:url";
import { bundle, pageOptions, worker } from "./library.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const brotli = (text) => brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length;
const module = (contents, resolveDir) => ({ stdin: { contents, resolveDir, loader: "ts" } });

/** What each line of size.json comes to. */
export async function sizes() {
  const options = pageOptions();
  // The worker comes first: its names are the others' names.
  let names = {};
  const files = new Map();
  const lines = [];
  for (const { name, entry, exports, sum, limit, goal } of JSON.parse(readFileSync(here("size.json"), "utf8"))) {
    if (sum) {
      const total = (what) => sum.reduce((all, part) => all + files.get(part)[what], 0);
      lines.push({ name, size: total("size"), limit: total("limit"), goal, parts: [] });
      continue;
    }
    const source = entry ? { entryPoints: [here(`src/${entry}`)] } : module(`export { ${exports.join(", ")} } from "./index.ts";`, here("src"));
    const how = entry?.startsWith("worker/") ? worker : { format: "iife", globalName: "shoal" };
    const { code, inputs, mangleCache } = await bundle({ ...options, ...source, ...how, outfile: "out.js", mangleCache: names });
    if (how === worker) names = mangleCache;
    const parts = Object.entries(inputs).map(([path, { bytesInOutput }]) => ({ path, bytes: bytesInOutput }));
    const size = brotli(code);
    files.set(name, { size, limit });
    lines.push({ name, size, minified: code.length, limit, goal, parts });
  }
  return lines;
}

/** The same of p2p-media-loader, core and hls.js adapter; undefined where rivals is not installed. */
export async function rivalSize() {
  if (!existsSync(here("rivals/node_modules/p2p-media-loader-hlsjs"))) return undefined;
  const source = module(`export { HlsJsP2PEngine } from "p2p-media-loader-hlsjs";`, here("rivals"));
  const { mangleProps, ...options } = pageOptions();
  // Its core as it is published for browsers: its sources want modules of Node's.
  const how = { format: "iife", globalName: "p2pml", external: ["hls.js"], conditions: ["p2pml:core-as-bundle"] };
  const { code } = await bundle({ ...options, ...source, ...how, outfile: "rival.js" });
  return brotli(code);
}

if (process.argv[1] === here("size.mjs")) {
  for (const { name, size, limit, goal, minified, parts } of await sizes()) {
    const about = [minified && `${minified} minified`, goal && `goal ${goal}`].filter(Boolean).join(", ");
    console.log(`${String(size).padStart(6)} of ${limit} bytes  ${name}${about && ` (${about})`}`);
    if (size > limit) process.exitCode = 1;
    if (!process.argv.includes("--parts")) continue;
    parts.sort((a, b) => b.bytes - a.bytes);
    for (const { path, bytes } of parts.slice(0, 25)) console.log(`        ${String(bytes).padStart(6)}  ${path}`);
  }
  console.log(`${String((await rivalSize()) ?? "?").padStart(6)} bytes  the rival: p2p-media-loader's core and hls.js adapter (npm ci in rivals)`);
}
