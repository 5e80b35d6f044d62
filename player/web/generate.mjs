// What `go generate` runs: installs what package-lock.json names, unless that was
// done already, then builds. Needs node and npm, and nothing else.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

process.chdir(dirname(fileURLToPath(import.meta.url)));

const stamp = "node_modules/.installed";
const lock = createHash("sha256").update(readFileSync("package-lock.json")).digest("hex");

if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lock) {
  // Nothing we use needs an install script, so none may run.
  const npm = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], {
    stdio: ["ignore", "inherit", "inherit"],
    shell: process.platform === "win32",
  });
  if (npm.error) throw new Error(`npm did not run: ${npm.error.message}; install Node.js with npm`);
  if (npm.status !== 0) process.exit(npm.status ?? 1);
  writeFileSync(stamp, lock);
}
// Some npm packages carry Go files. A go.mod makes node_modules a module of its
// own, which "./..." then leaves alone.
writeFileSync("node_modules/go.mod", "module node_modules\n");

await import("./build.mjs");
