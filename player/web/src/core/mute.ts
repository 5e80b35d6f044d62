// A peer whose uplink is stuck says so (swarm/mute.go).
import { Version } from "./config.ts";
import { type Core, note, send } from "./core.ts";
import { type Hello, MessageType } from "./message.ts";
import { PieceSize } from "./limits.ts";
import type { Peer } from "./peer.ts";
import { millisecond } from "./time.ts";
import { tellUplinkEvery } from "./uplink.ts";

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
export function greeting(c: Core): Hello {
  const { cfg, mute } = c;
  const { seed, maxPeers } = cfg;
  return { type: MessageType.Hello, version: Version, seed, metered: cfg.metered || mute, uplink: ownUplink(c), maxPeers };
}

/** What this peer can upload in bit/s, as configured or as told last. */
export const ownUplink = ({ cfg, uplink }: Core): number => cfg.uploadMax || Math.trunc(uplink.told * 8 * PieceSize);

/** Tells neighbours when the uplink turned out to be another by a quarter. */
export function tellUplink(c: Core): void {
  const u = c.uplink;
  const same = u.rate < 1.25 * u.told && u.rate > 0.75 * u.told;
  if (c.cfg.uploadMax || c.now - u.at < tellUplinkEvery || same || !u.rate) return;
  u.told = u.rate;
  u.at = c.now;
  for (const p of c.links) send(c, p, greeting(c));
}

/** Books pieces handed to a link. */
export function owe(c: Core, p: Peer, n: number): void {
  if (!c.owed) {
    c.owedAt = c.uplink.since = c.now;
    c.uplink.sent = 0;
  }
  c.owed += n;
  p.outstanding += n;
  p.owedAt = c.now;
}

/** Books pieces that left. */
export function paid(c: Core, p: Peer, n: number): void {
  n = Math.min(n, p.outstanding);
  p.outstanding -= n;
  c.owed -= n;
  c.sentAt = c.now;
}
