// Bundles src into dist, which the Go package beside this file embeds.
import { build } from "esbuild";
import { cp, mkdir, readdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { buildTypes } from "./declarations.mjs";
import { buildLibrary } from "./library.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

await mkdir(here("dist"), { recursive: true });
for (const name of await readdir(here("dist"))) {
  if (name !== "README.md") await rm(here(`dist/${name}`), { recursive: true });
}
await build({
  entryPoints: ["status/status.ts", "status/status.css", "watch/watch.ts", "watch/watch.css", "map/map.ts", "map/map.css", "map/layout.worker.ts"].map((name) => here(`src/${name}`)),
  entryNames: "[name]",
  outdir: here("dist"),
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  logLevel: "warning",
});
for (const page of ["status", "watch", "map"]) await cp(here(`src/${page}/${page}.html`), here(`dist/${page}.html`));
// The players that the demo's page offers, as their packages ship them.
const players = {
  dash: "dashjs/dist/modern/umd/dash.all.min.js",
  hls: "hls.js/dist/hls.min.js",
  shaka: "shaka-player/dist/shaka-player.compiled.js",
};
for (const [name, file] of Object.entries(players)) await cp(here(`node_modules/${file}`), here(`dist/players/${name}.js`));
await buildLibrary(here("dist"));
await buildTypes(here("dist/types"));
