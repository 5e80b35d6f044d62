// What the brain decided about the connection to signalling, where it is to leave it
// (swarm/websocket.go, disconnectWebsocketOnMax).
import { type Core, note } from "./core.ts";
import { EffectType } from "./effect.ts";
import { jitter } from "./candidates.ts";
import { checkPeers } from "./govern.ts";
import { type Duration, type Time, millisecond, second } from "./time.ts";

export interface Websocket {
  closed: boolean;
  /** Not to be closed before. */
  keepUntil: Time;
  /** Of a closed one: for the swarm's size and clock. */
  refreshAt: Time;
  /** Since it was closed. */
  needed: boolean;
  /** Once needed. */
  openAt: Time;
  wait: Duration;
  openedAt: Time;
}

export const newWebsocket = (): Websocket => ({
  closed: false,
  keepUntil: 0,
  refreshAt: 0,
  needed: false,
  openAt: 0,
  wait: 0,
  openedAt: 0,
});

/**
 * How long the websocket stays open at least: long enough for introductions and the
 * samples of the clock.
 */
const websocketDwell = 10 * second;
/**
 * How often a closed one is opened for the size of the swarm, which elections use, and
 * its clock, which drifts by some ms a minute.
 */
const websocketRefresh = 600 * second;
// A closed one that is needed is opened after a wait, because what happened here may
// have happened to thousands; the wait doubles from time to time it is needed within
// websocketRefresh.
const firstReopen = 500 * millisecond;
const lastReopen = 60 * second;

/**
 * Leaves the signalling server when nothing is missing, and comes back when too few
 * neighbours are left, or time has come to hear of the swarm. A seed stays: it is whom
 * newcomers are introduced to.
 */
export function checkWebsocket(c: Core): void {
  const { websocket: ws, cfg, now } = c;
  const links = c.links.length;
  if (!cfg.disconnectWebsocketOnMax || __SEEDS__ && c.cfg.seed) return;
  if (!ws.closed) {
    if (links < cfg.maxPeers || !c.connected || now < ws.keepUntil) return;
    if (__EXPLAIN__) note(c, `websocket closed: ${links} links`);
    ws.closed = true;
    ws.needed = false;
    ws.refreshAt = now + jitter(c, websocketRefresh);
    c.emit({ type: EffectType.CloseSignal });
    return;
  }
  if (links >= cfg.minPeers && now < ws.refreshAt) {
    ws.needed = false;
    return;
  }
  if (!ws.needed) {
    ws.wait =
      now - ws.openedAt >= websocketRefresh ? firstReopen : Math.min(Math.max(2 * ws.wait, firstReopen), lastReopen);
    ws.needed = true;
    ws.openAt = now + jitter(c, ws.wait);
  }
  if (now < ws.openAt) return;
  if (__EXPLAIN__) note(c, `websocket opened: ${links} links`);
  ws.closed = false;
  ws.keepUntil = now + websocketDwell;
  ws.openedAt = now;
  c.emit({ type: EffectType.OpenSignal });
}

/** When checkWebsocket has something to do next, Infinity if never. */
export function websocketAt(c: Core): Time {
  const { websocket: ws, cfg, now } = c;
  if (!cfg.disconnectWebsocketOnMax || __SEEDS__ && c.cfg.seed) return Infinity;
  if (ws.closed) return ws.needed ? ws.openAt : ws.refreshAt;
  return ws.keepUntil > now ? ws.keepUntil : Infinity;
}

/** Opens a closed websocket, as if it were time to hear of the swarm. */
export function needSignal(c: Core): void {
  c.websocket.refreshAt = Math.min(c.websocket.refreshAt, c.now);
  checkPeers(c);
}
