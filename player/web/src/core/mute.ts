// A peer whose uplink is stuck says so (swarm/mute.go).
import { Version } from "./config.ts";
import { type Core, note, send } from "./core.ts";
import { type Hello, MessageType } from "./message.ts";
import type { Peer } from "./peer.ts";
import { millisecond } from "./time.ts";

/**
 * How long nothing may leave on any link before this peer takes itself for one that
 * cannot upload.
 */
const muteAfter = 1500 * millisecond;

/**
 * Tells neighbours not to count on this peer while its uplink is stuck: pieces wait on
 * links and none of them moves. A single slow or dead neighbour does not look like that,
 * an uplink without capacity does. What is held is still told, so that they know what
 * needs not be sent.
 */
export function checkMute(c: Core): void {
  const stuck = c.owed > 0 && c.now - Math.max(c.sentAt, c.owedAt) > muteAfter;
  if (stuck === c.mute) return;
  c.mute = stuck;
  if (__EXPLAIN__) note(c, `mute ${stuck}: ${c.owed} pieces wait on links`);
  for (const p of c.links) send(c, p, greeting(c));
}

/** What neighbours are told of this peer. */
export function greeting({ cfg, mute }: Core): Hello {
  const { seed, uploadMax: uplink, maxPeers } = cfg;
  return { type: MessageType.Hello, version: Version, seed, metered: cfg.metered || mute, uplink, maxPeers };
}

/** Books pieces handed to a link. */
export function owe(c: Core, p: Peer, n: number): void {
  if (!c.owed) c.owedAt = c.now;
  c.owed += n;
  p.outstanding += n;
}

/** Books pieces that left. */
export function paid(c: Core, p: Peer, n: number): void {
  n = Math.min(n, p.outstanding);
  p.outstanding -= n;
  c.owed -= n;
  c.sentAt = c.now;
}
