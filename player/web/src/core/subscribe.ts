// Parents that push a track's segments, and children that are pushed to (swarm/subscribe.go).
import { type Core, send } from "./core.ts";
import type { Item } from "./item.ts";
import { MaxHops, MaxSubscribed, MaxTracks } from "./limits.ts";
import { MessageType, type Subscribe, type Unsubscribe } from "./message.ts";
import type { Peer } from "./peer.ts";
import { type Time, millisecond } from "./time.ts";

/**
 * How many segments of a track in a row must come whole from one neighbour before it
 * is asked to push the next ones.
 */
const provenAfter = 3;

/** Remembers who brings a track's segments. */
export interface Track {
  /** Last to bring a whole segment alone. */
  parent: Peer | undefined;
  streak: number;
  /** Of the last segment here. */
  hops: number;
  subscribed: Peer | undefined;
}

/**
 * Books who brought a segment and subscribes to a parent that did so several times in
 * a row at the same distance from the origin. A parent must have strictly fewer hops,
 * so subscriptions cannot form a circle.
 */
export function prove(c: Core, it: Item): void {
  if (c.cfg.seed) return;
  const { track, sender, hops } = it;
  let t = c.tracks.get(track);
  if (!t) {
    if (c.tracks.size >= MaxTracks) c.tracks.clear(); // periods end; what still plays is proven again
    t = { parent: undefined, streak: 0, hops: 0, subscribed: undefined };
    c.tracks.set(track, t);
  }
  if (!sender.length) {
    t.parent = undefined;
    t.hops = t.streak = 0;
    return;
  }
  const p = c.peers.get(sender[0]!);
  const alone = sender.length === 1;
  if (!alone || !p || p !== t.parent || hops !== t.hops) {
    t.parent = alone ? p : undefined;
    t.hops = hops;
    t.streak = 0;
  }
  t.streak++;
  if (t.streak < provenAfter || t.subscribed === p || !t.parent) return;
  if (t.subscribed) send(c, t.subscribed, { type: MessageType.Unsubscribe, track });
  t.subscribed = t.parent;
  send(c, t.parent, { type: MessageType.Subscribe, track, hops });
}

/**
 * How long after the first word of a segment its track's parent has to begin pushing,
 * besides two round trips, before another's offer is accepted: without it the first to
 * offer would win by a millisecond, and both would send.
 */
const pushGrace = 30 * millisecond;

/** Until when a push of the item's parent is waited for, 0 where there is none to wait for. */
export function pushUntil(c: Core, it: Item): Time {
  const parent = c.tracks.get(it.track)?.subscribed;
  return !parent || !it.heard || it.inbound.length || it.held ? 0 : it.heardAt + pushGrace + 2 * parent.rtt;
}

/** Takes a neighbour on as a child. */
export function subscribed(c: Core, p: Peer, { track, hops }: Subscribe): void {
  if (p.children.size >= MaxSubscribed || hops <= trackHops(c, track) || hops > MaxHops)
    return send(c, p, { type: MessageType.Unsubscribe, track });
  p.children.set(track, 0);
}

/** This peer's distance from the origin on a track. */
const trackHops = (c: Core, track: string): number => (c.cfg.seed ? 0 : (c.tracks.get(track)?.hops ?? 0));

export function unsubscribed(c: Core, p: Peer, { track }: Unsubscribe): void {
  p.children.delete(track);
  const t = c.tracks.get(track);
  if (t?.subscribed === p) {
    t.subscribed = undefined;
    t.streak = 0;
  }
}

/** Ends a subscription whose pushes come too late twice in a row. */
export function pushRefused(p: Peer, track: string): void {
  const n = p.children.get(track);
  if (n === undefined) return;
  if (n) p.children.delete(track);
  else p.children.set(track, 1);
}
