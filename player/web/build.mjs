// Bundles src into dist, which the Go package beside this file embeds.
import { build } from "esbuild";
import { cp, mkdir, readdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

await mkdir(here("dist"), { recursive: true });
for (const name of await readdir(here("dist"))) {
  if (name !== "README.md") await rm(here(`dist/${name}`), { recursive: true });
}
await build({
  entryPoints: [here("src/status/status.ts"), here("src/status/status.css")],
  outdir: here("dist"),
  bundle: true,
  minify: true,
  sourcemap: true,
  format: "esm",
  target: "es2022",
  logLevel: "warning",
});
await cp(here("src/status/status.html"), here("dist/status.html"));
