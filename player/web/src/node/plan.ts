// What the player will need soon (swarm/node/plan.go).
import { InputType, type Key } from "../core/index.ts";
import { validKey } from "../segments/key.ts";
import type { Node } from "./node.ts";
import type { Obj, Resource } from "./object.ts";

/** Segments that may be planned ahead at a time. */
export const MaxPlan = 1024;
/** How far a moment must move before the brain hears of it, ms. */
const ReplanAfter = 250;

/**
 * Replaces the set of segments the player will need soon, known and predicted. New
 * ones are reserved with the neighbours, those that are gone are released.
 */
export function plan(n: Node, resources: Resource[]): void {
  const next = new Set<Key>();
  for (const r of resources.slice(0, MaxPlan)) {
    if (!validKey(r.key)) continue;
    next.add(r.key);
    let o = n.objects.get(r.key);
    if (!o) {
      if (n.known.has(r.key) || n.cfg.store.has(r.key)) continue;
      o = n.object(r.key);
    }
    if (o.finished || (o.planned && o.res && !changed(o.res, r))) continue;
    o.planned = true;
    if (o.streams.size) continue; // what the player asked for itself knows better
    o.res = r;
    n.want(o);
  }
  const gone: Obj[] = [];
  for (const [key, o] of n.objects) {
    if (next.has(key) || !o.planned) continue;
    o.planned = false;
    if (!o.streams.size && !o.finished) gone.push(o);
  }
  if (!gone.length) return;
  n.feed({ type: InputType.Unwant, keys: gone.map((o) => o.key) });
  for (const o of gone) n.discard(o, new Error("not wanted any more"));
}

/** Whether a plan's news matter to the brain. */
function changed(old: Resource, now: Resource): boolean {
  const far = (a: number, b: number) => Math.abs(a - b) > ReplanAfter;
  return (
    old.url !== now.url ||
    old.urgent !== now.urgent ||
    far(old.deadline, now.deadline) ||
    far(old.available, now.available) ||
    far(old.whole, now.whole)
  );
}
