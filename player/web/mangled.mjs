// Finds the property names that a build may shorten: those in lower case which occur in our own
// folders below, and nowhere that somebody else might read or write them.
//
// Somebody else is the browser (TypeScript's lib files), the libraries we bundle, the
// page (the public types and adapters), what is stored in IndexedDB and what crosses
// the wire by name. A name that is quoted in the source is never shortened.
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Folders whose own names are shortened. */
const own = ["core", "node", "rtc", "segments", "signal", "wire", "worker"];
/** Files in them whose names others see. */
const seen = ["segments/disk.ts", "segments/noble.ts"];
/** Where names come from that must stay. */
const foreign = [
  ...["engine.ts", "options.ts", "index.ts", "api.ts", "sw.ts", "adapters", "policy"].map((name) => `src/${name}`),
  ...["@msgpack/msgpack/dist.esm", "@noble/hashes", "idb/build"].map((name) => `node_modules/${name}`),
];

async function* files(path, wanted) {
  let names;
  try {
    names = await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (error.code === "ENOTDIR") yield path;
    if (error.code === "ENOTDIR" || error.code === "ENOENT") return;
    throw error;
  }
  for (const entry of names) {
    const inside = `${path}/${entry.name}`;
    if (entry.isDirectory()) yield* files(inside, wanted);
    else if (wanted.test(entry.name)) yield inside;
  }
}

/** TypeScript's own description of the language and the browser. */
async function* lib() {
  for await (const file of files(here("node_modules/@typescript"), /^lib\..*\.d\.ts$/)) yield file;
}

/** Only the wire has names in two words joined by "_" (signal/PROTOCOL.md). */
const wire = /[a-z]_[a-z]/;

const uncommented = (text) => text.replace(/\/\*[^]*?\*\/|(?<!:)\/\/.*/g, "");
const words = (text) => text.match(/[A-Za-z_$][\w$]*/g) ?? [];

/** A regular expression of all names that may be shortened. */
export async function ownNames() {
  const keep = new Set();
  const add = async (file) => words(uncommented(await readFile(file, "utf8"))).forEach((w) => keep.add(w));
  for (const path of foreign)
    for await (const file of files(here(path), /^(?!.*\.test\.).*\.(ts|mjs|js)$/)) await add(file);
  for await (const file of lib()) await add(file);
  for (const path of seen) await add(here(`src/${path}`));
  const names = new Set();
  for (const folder of own)
    for await (const file of files(here(`src/${folder}`), /^(?!.*\.test\.).*\.ts$/)) {
      const text = await readFile(file, "utf8");
      // Quoted texts are data; names in them stay.
      for (const [quoted] of uncommented(text).matchAll(/"[^"\n]*"|`[^`]*`/g)) words(quoted).forEach((w) => keep.add(w));
      // Exports keep their names, so what is reached through a namespace must too.
      for (const [, space] of text.matchAll(/import \* as (\w+)/g))
        for (const [, name] of text.matchAll(new RegExp(`\\b${space}\\.(\\w+)`, "g"))) keep.add(name);
      const code = uncommented(text);
      for (const [, name] of code.matchAll(/\b([a-z_]\w*)/g)) names.add(name);
    }
  const free = [...names].filter((n) => n.length > 2 && !keep.has(n) && !wire.test(n)).sort();
  return new RegExp(`^(${free.join("|")})$`);
}
