// Writes the package's types: what TypeScript declares of the sources, with imports that
// name the files as they are published.
import { spawnSync } from "node:child_process";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
/** What index.ts and sw.ts lead to; pages of our own have no types to publish. */
const unpublished = /^(map|status|watch|testing)\/|\.test\.d\.ts$/;

export async function buildTypes(out) {
  const options = ["--noEmit", "false", "--declaration", "--emitDeclarationOnly", "--outDir", out, "--rootDir", here("src")];
  const tsc = spawnSync(process.execPath, [here("node_modules/typescript/bin/tsc"), "-p", here("tsconfig.json"), ...options], { stdio: "inherit" });
  if (tsc.status !== 0) throw new Error("the types could not be written: see tsc above");
  for (const name of await readdir(out, { recursive: true })) {
    if (unpublished.test(name)) await rm(`${out}/${name}`, { recursive: true, force: true });
    else if (name.endsWith(".d.ts")) {
      const text = await readFile(`${out}/${name}`, "utf8");
      await writeFile(`${out}/${name}`, text.replace(/(from "|import\(")(\.[^"]*)\.ts"/g, '$1$2.js"'));
    }
  }
  for (const folder of ["map", "status", "watch", "testing"]) await rm(`${out}/${folder}`, { recursive: true, force: true });
}
