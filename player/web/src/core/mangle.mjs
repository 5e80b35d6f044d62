// Names of properties that only this folder uses, for esbuild's mangleProps: a method's or
// a variable's name is shortened by every bundler, a property's only where somebody says
// that nobody else knows it.
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const core = fileURLToPath(new URL(".", import.meta.url));
const rest = fileURLToPath(new URL("..", import.meta.url));
const libraries = fileURLToPath(new URL("../../node_modules/typescript/lib", import.meta.url));

// What the edge says to the brain and hears from it keeps its names.
// So does what tests read from files.
const open = ["config.ts", "counters.ts", "effect.ts", "input.ts", "message.ts", "replay.ts"];

const sources = (folder) =>
  readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => ({ name, text: readFileSync(`${folder}/${name}`, "utf8") }));

/** Every identifier of a text. */
const words = (text) => text.match(/[A-Za-z_]\w*/g) ?? [];

/** Names of fields that a text declares: "name: Type" or "name = value" at the start of a line. */
const declared = (text) => [...text.matchAll(/^ +(?:readonly |private )*([a-z]\w*)\??(?:: | = )/gm)].map((m) => m[1]);

/**
 * A pattern of the names. A name counts as ours if an inner file of this folder declares
 * it, and it occurs in no file outside it and nowhere in the platform's declarations.
 */
export function internalNames() {
  const files = sources(core);
  const known = new Set();
  for (const { name, text } of sources(rest)) if (!name.startsWith("core/")) for (const w of words(text)) known.add(w);
  for (const { name, text } of files) if (open.includes(name)) for (const w of declared(text)) known.add(w);
  for (const { name, text } of sources(libraries)) if (/^lib\.(es|dom)/.test(name)) for (const w of words(text)) known.add(w);
  const names = files.filter(({ name }) => !open.includes(name)).flatMap(({ text }) => declared(text));
  return new RegExp(`^(${[...new Set(names)].filter((n) => !known.has(n)).sort().join("|")})$`);
}
