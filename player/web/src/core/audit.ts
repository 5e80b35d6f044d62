// Neighbours that offer and do not send (swarm/audit.go).
import { each } from "./bitset.ts";
import { type Core, note, send } from "./core.ts";
import { again, maxTries } from "./candidates.ts";
import { evict } from "./govern.ts";
import { MaxBanned, remember } from "./limits.ts";
import { type Key, MessageType } from "./message.ts";
import type { Peer } from "./peer.ts";
import type { Source } from "./source.ts";
import { type Time, second } from "./time.ts";
import { Reason } from "./timer.ts";

/**
 * A piece that a neighbour is asked for although it is here already: it said that it has it,
 * was asked for it and kept silent, and others brought it. An overloaded line looks the same
 * as a lie until one waits long enough, and when the segment is whole there is time to wait.
 */
export interface Audit {
  /** "": none. */
  key: Key;
  until: Time;
}

/** How long a neighbour has to send that piece. It is asked for nothing else meanwhile. */
const auditTime = 3 * second;
/** How long one that did is not audited again. */
const auditRest = 60 * second;

export const noAudit: Audit = { key: "", until: 0 };

/**
 * Looks at what came of asking a source when it is let go: silence with pieces owed, those
 * included that came from others meanwhile, is a reason to audit it.
 */
export function judge(c: Core, s: Source): void {
  if (!s.started || s.slices || !(s.waiting + s.robbed) || c.now - s.owing < Math.trunc(c.cfg.stallAfter / 2) + 2 * s.peer.rtt) return;
  s.silent = true;
  if (s.waiting) [s.lost = -1] = each(s.asked);
}

/** Asks a source that was silent, when its segment is whole, for a piece that it owes. */
export function audit(c: Core, { peer: p, silent, lost, item: { key } }: Source): void {
  if (!silent || lost < 0 || p.audit.key || c.now < p.auditFrom) return;
  const until = c.now + auditTime;
  p.audit = { key, until };
  p.shunUntil = Math.max(p.shunUntil, until);
  if (__EXPLAIN__) c.counters.audits++;
  if (__EXPLAIN__) note(c, `audit ${p.id} with piece ${lost} of ${key}`);
  send(c, p, { type: MessageType.Accept, key, first: lost, count: 1, due: 0, only: new Uint8Array() });
  if (c.govern.index < 0 || until < c.govern.at) c.timers.set(c.govern, until, Reason.Govern);
}

/** Ends a neighbour's audit: it sent the piece, or said that it cannot. */
export function audited(c: Core, p: Peer, key: Key, sent: boolean): void {
  if (p.audit.key !== key) return;
  p.audit = noAudit;
  if (!sent) return;
  p.shunUntil = 0;
  p.auditFrom = c.now + auditRest;
}

/**
 * Parts with neighbours that offer and do not send: for good with those who have never sent
 * anything, for some minutes with others, where there are enough. That is no proof of a lie,
 * so nobody is told.
 */
export function expelSilent(c: Core): void {
  for (const p of [...c.links]) {
    if (!p.audit.key || c.now < p.audit.until) continue;
    if (__EXPLAIN__) c.counters.letDowns++;
    if (p.delivered && (p.hello.seed || c.links.length <= c.cfg.minPeers)) p.audit = noAudit;
    else evict(c, p, "offers and does not send");
  }
}

/** Keeps out who leaves while it is audited. */
export function bar(c: Core, p: Peer): void {
  if (!p.delivered) {
    c.cands.delete(p.id);
    return remember(c.banned, p.id, MaxBanned);
  }
  again(c, p.id, maxTries, true);
  const known = c.cands.get(p.id);
  if (known) known.barred = true;
}
