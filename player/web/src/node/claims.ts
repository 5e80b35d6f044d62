// What peers said of an unsigned segment and somebody else denied (swarm/node/claims.go).
// The origin decides.
import { InputType, type Key, type PeerID } from "../core/index.ts";
import { equal } from "../segments/bytes.ts";
import type { Leaf } from "../segments/piece.ts";
import type { Node } from "./node.ts";
import type { Obj } from "./object.ts";

export interface Claim {
  peer: PeerID;
  first: number;
  leaves: Leaf[];
}

/** Throws away what is here of a key; it will come from the origin. */
export function distrust(n: Node, key: Key): void {
  n.cfg.store.delete(key);
  n.known.delete(key);
  const o = n.objects.get(key);
  if (!o) return;
  o.finished = false;
  o.restarts++;
  o.from.clear();
  o.assembly.reset();
}

/** Compares what peers claimed with what is here now that it is whole. */
export function settleClaims(n: Node, o: Obj): void {
  const claims = n.claims.get(o.key) ?? [];
  n.claims.delete(o.key);
  const leaves = o.assembly.leaves();
  for (const c of claims) {
    const lied = c.leaves.some((leaf, i) => {
      const known = leaves[c.first + i];
      return !known || !equal(known, leaf);
    });
    if (lied) n.feed({ type: InputType.BadPiece, key: o.key, from: c.peer });
  }
}
