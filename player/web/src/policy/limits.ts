// What the viewer's situation allows, as one pure function: options and state in,
// limits out. manners.ts watches the browser and feeds it.
import type { Settings } from "../options.ts";

/** What is known of the viewer's situation. */
export interface Situation {
  /** Undefined: not answered yet. */
  consent: boolean | undefined;
  /** This browser's lot in [0, 1), for roll-outs. */
  draw: number;
  /** Viewers in the swarm, 0 unknown. */
  viewers: number;
  mobile: boolean;
  cellular: boolean;
  saveData: boolean;
  hidden: boolean;
  /** Discharging, and how full. 1 where the browser does not tell. */
  battery: number;
  /** Bytes sent this month. */
  sent: number;
  /** The operator's words, from signalling's welcome. */
  operator: Record<string, string>;
}

/** What follows. */
export interface Limits {
  /** The signalling server may be joined. Without it nothing leaves the page. */
  join: boolean;
  /** Links may be made: candidates gathered, offers sent and answered. */
  active: boolean;
  /** Why not, or why less; empty when nothing is in the way. For people. */
  reason: string;
  /** bit/s. 0: nothing is sent. */
  upload: number;
  peers: number;
  /** A source of last resort (hello's `metered`). */
  metered: boolean;
}

/**
 * The operator's settings that clients know, all texts. They can only take away:
 * `p2p` "off" ends p2p for everybody at once, `rollout` 0 to 1, `min-viewers`, `upload`
 * in bit/s. What cannot be read is ignored.
 */
function told(operator: Record<string, string>, name: string): number | undefined {
  const text = operator[name];
  const n = Number(text);
  return text && n >= 0 ? n : undefined;
}

export function decide(o: Settings, s: Situation): Limits {
  const metered = o.metered == "auto" ? s.cellular || s.saveData : o.metered;
  const caps: [boolean, number, string][] = [
    [true, Math.min(o.upload, told(s.operator, "upload") ?? Infinity), ""],
    [s.mobile, o.mobileUpload, "mobile"],
    [s.hidden, o.hiddenUpload, "hidden"],
    [s.battery < o.batteryLow, 0, "battery low"],
    [metered, 0, s.saveData ? "data saver" : "metered"],
    [o.monthlyUpload > 0 && s.sent >= o.monthlyUpload, 0, "monthly budget used"],
  ];
  let upload = Infinity;
  let reason = "";
  for (const [applies, cap, why] of caps) {
    if (applies && cap < upload) [upload, reason] = [cap, why];
  }
  const kept =
    !o.p2p ? "switched off by the page"
    : s.consent == undefined ? "consent awaited"
    : !s.consent ? "no consent"
    : s.draw >= Math.min(o.rollout, told(s.operator, "rollout") ?? 1) ? "not in the roll-out"
    : "";
  const least = Math.max(o.minViewers, told(s.operator, "min-viewers") ?? 0);
  // These two keep the websocket: it is where their end is heard of.
  const waiting =
    s.operator["p2p"] == "off" ? "switched off by the operator"
    // Who is alone has nobody to link to: a bound of 2 bars nothing, and holds nobody up.
    : least > 2 && s.viewers < least ? "too few viewers"
    : "";
  return {
    join: !kept,
    active: !kept && !waiting,
    reason: kept || waiting || reason,
    upload,
    peers: s.mobile ? Math.min(o.mobilePeers, o.peers) : o.peers,
    metered: metered || upload == 0,
  };
}
