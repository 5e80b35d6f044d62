// Replays the life of a Go brain as swarm/testdata/vectors writes it down: the same inputs
// must have the same effects, in the same order, at the same nanosecond. For tests.
import { type Config, Core } from "./index.ts";
import { EffectType, causeNames } from "./effect.ts";
import { type Input, InputType } from "./input.ts";
import { MessageType } from "./message.ts";
import { millisecond } from "./time.ts";
import { Reason } from "./timer.ts";

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Fields = Record<string, Json>;

interface Story {
  config: Fields;
  steps: { at: number; input: Fields; effects: Fields[]; next: { at: number; why: string } | null; random?: number[] }[];
}

/** What a step should do, and what it did. */
export interface Replayed {
  step: string;
  want: Json;
  got: Json;
}

/** Runs a vector's steps one by one. */
export function* replay(vector: string): Iterable<Replayed> {
  const story = JSON.parse(vector) as Story;
  const drawn: number[] = [];
  const random = () => drawn.shift()!;
  const core = new Core({ ...(fromVector(story.config) as unknown as Config), random });
  for (const [i, s] of story.steps.entries()) {
    drawn.push(...(s.random ?? []));
    core.handle(nanoseconds(s.at), fromVector(s.input, InputType) as unknown as Input);
    const effects = core.drain();
    const next = core.next();
    yield {
      step: `step ${i + 1} at ${s.at} ms: ${JSON.stringify(s.input)}`,
      want: {
        effects: s.effects.map((e) => plain(fromVector(e, EffectType))),
        next: s.next && { at: nanoseconds(s.next.at), why: s.next.why },
        undrawn: [],
      },
      got: {
        effects: effects.map(plain),
        next: next ? { at: next.at, why: Reason[next.why]!.toLowerCase() } : null,
        undrawn: [...drawn],
      },
    };
  }
}

const nanoseconds = (ms: number) => Math.round(ms * millisecond);
const times = "at available whole deadline origin_by duration rtt due retry_after origin_time election_step stall_after".split(" ");
export const camel = (name: string) => name.replace(/_(.)/g, (_, c: string) => c.toUpperCase());

/** Of hexadecimal digits. */
export const bytes = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (digits) => parseInt(digits, 16));

/** A vector's structure in the names, units and numbers of this implementation. */
function fromVector(v: Json, types: Record<string, unknown> = {}): Fields {
  const out: Fields = {};
  for (const [name, value] of Object.entries(v as Fields)) {
    const key = name === "err" ? "error" : name === "disconnect_websocket_on_max" ? "disconnectWebsocketOnMax" : camel(name);
    if (name === "type") out[key] = types[camel("_" + String(value))] as number;
    else if (name === "cause") out[key] = causeNames.indexOf(value as string);
    else if (name === "message") out[key] = fromVector(value, MessageType as never);
    else if (name === "fetch") out[key] = { type: EffectType.Fetch, ...fromVector(value) };
    else if (["payload", "more", "only"].includes(name)) out[key] = bytes(value as string) as never;
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
