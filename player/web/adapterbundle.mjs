// Writes the script of the browser tests to standard output.
import { build } from "esbuild";
import { fileURLToPath } from "node:url";

const built = await build({
  entryPoints: [fileURLToPath(new URL("src/testing/recorder.ts", import.meta.url))],
  bundle: true,
  format: "iife",
  target: "es2022",
  write: false,
  logLevel: "warning",
});
process.stdout.write(built.outputFiles[0].text);
