/// <reference types="vite/types/importMeta.d.ts" />
// Replays the lives of Go brains that swarm/testdata/vectors holds: the same inputs must
// have the same effects, in the same order, at the same nanosecond.
import { expect, test } from "vitest";
import { type Config, Core, EffectType, InputType, type Input, MessageType, Reason, causeNames, millisecond } from "./index.ts";

const files = import.meta.glob<string>("../../../../swarm/testdata/vectors/*.json", {
  query: "?raw",
  import: "default",
  eager: true,
});

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Fields = Record<string, Json>;

interface Story {
  config: Fields;
  steps: { at: number; input: Fields; effects: Fields[]; next: { at: number; why: string } | null; random?: number[] }[];
}

test("there are vectors", () => expect(Object.keys(files).length).toBeGreaterThan(15));

for (const [path, text] of Object.entries(files))
  test(path.split("/").at(-1)!, () => {
    const story = JSON.parse(text) as Story;
    const drawn: number[] = [];
    const core = new Core({ ...(fromVector(story.config) as unknown as Config), random: () => drawn.shift()! });
    story.steps.forEach((step, i) => {
      drawn.push(...(step.random ?? []));
      core.handle(nanoseconds(step.at), fromVector(step.input, InputType) as unknown as Input);
      const where = `step ${i + 1} at ${step.at} ms: ${JSON.stringify(step.input)}`;
      expect(core.drain().map((e) => plain(e)), where).toEqual(step.effects.map((e) => plain(fromVector(e, EffectType))));
      const next = core.next();
      expect(next && { at: next.at, why: Reason[next.why]!.toLowerCase() }, where).toEqual(
        step.next ? { at: nanoseconds(step.next.at), why: step.next.why } : undefined,
      );
      expect(drawn, where).toEqual([]);
    });
  });

const nanoseconds = (ms: number) => Math.round(ms * millisecond);
const times = "at available whole deadline origin_by duration rtt due retry_after origin_time election_step stall_after".split(" ");
const camel = (name: string) => name.replace(/_(.)/g, (_, c: string) => c.toUpperCase());

/** A vector's structure in the names, units and numbers of this implementation. */
function fromVector(v: Json, types: Record<string, unknown> = {}): Fields {
  const out: Fields = {};
  for (const [name, value] of Object.entries(v as Fields)) {
    const key = name === "err" ? "error" : name === "disconnect_websocket_on_max" ? "disconnectWebsocketOnMax" : camel(name);
    if (name === "type") out[key] = types[camel("_" + String(value))] as number;
    else if (name === "cause") out[key] = causeNames.indexOf(value as string);
    else if (name === "message") out[key] = fromVector(value, MessageType as never);
    else if (name === "fetch") out[key] = { type: EffectType.Fetch, ...fromVector(value) };
    else if (name === "payload") out[key] = value; // compared as hexadecimal digits
    else if (times.includes(name)) out[key] = nanoseconds(value as number);
    else if (Array.isArray(value)) out[key] = value.map((x) => (typeof x === "object" ? fromVector(x) : x));
    else out[key] = value;
  }
  return out;
}

/** An effect without texts for people, which need not be equal, and without undefined fields. */
function plain(e: unknown): Json {
  const copy = JSON.parse(JSON.stringify(e)) as Fields;
  if (typeof copy["reason"] === "string") delete copy["reason"];
  const message = copy["message"] as Fields | undefined;
  if (typeof message?.["reason"] === "string") delete message["reason"];
  return copy;
}
