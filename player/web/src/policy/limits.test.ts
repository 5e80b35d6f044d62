import { describe, expect, it } from "vitest";
import { settings, type Options } from "../options.ts";
import { decide, type Situation } from "./limits.ts";

const usual: Situation = {
  consent: true, draw: 0.5, viewers: 10, mobile: false, cellular: false, saveData: false, hidden: false, battery: 1, sent: 0, operator: {},
};
const under = (options: Options, situation: Partial<Situation> = {}) => decide(settings(options), { ...usual, ...situation });

describe("limits", () => {
  it("are the options' where nothing is in the way", () => {
    expect(under({})).toEqual({ join: true, active: true, reason: "", upload: 20e6, peers: 10, metered: false });
  });

  it.each<[string, Options, Partial<Situation>, number, string]>([
    ["upload cap", { upload: 3e6 }, {}, 3e6, ""],
    ["mobile", {}, { mobile: true }, 1e6, "mobile"],
    ["mobile never raises the cap", { upload: 5e5 }, { mobile: true }, 5e5, ""],
    ["hidden tab", {}, { hidden: true }, 2e6, "hidden"],
    ["hidden tab on a phone", {}, { hidden: true, mobile: true }, 1e6, "mobile"],
    ["battery low", {}, { battery: 0.29 }, 0, "battery low"],
    ["battery at the bound", {}, { battery: 0.3 }, 20e6, ""],
    ["battery ignored", { batteryLow: 0 }, { battery: 0.01 }, 20e6, ""],
    ["cellular", {}, { cellular: true }, 0, "metered"],
    ["data saver", {}, { saveData: true }, 0, "data saver"],
    ["cellular that costs nothing", { metered: false }, { cellular: true, saveData: true }, 20e6, ""],
    ["metered by the page", { metered: true }, {}, 0, "metered"],
    ["monthly budget", { monthlyUpload: 1000 }, { sent: 1000 }, 0, "monthly budget used"],
    ["monthly budget left", { monthlyUpload: 1000 }, { sent: 999 }, 20e6, ""],
    ["no monthly budget", { monthlyUpload: 0 }, { sent: 1e15 }, 20e6, ""],
    ["operator's cap", {}, { operator: { upload: "4000000" } }, 4e6, ""],
    ["operator cannot raise", {}, { operator: { upload: "4e9" } }, 20e6, ""],
    ["operator's nonsense", {}, { operator: { upload: "much" } }, 20e6, ""],
  ])("%s", (_, options, situation, upload, reason) => {
    const l = under(options, situation);
    expect([l.upload, l.reason, l.active]).toEqual([upload, reason, true]);
    expect(l.metered).toBe(upload == 0);
  });

  it.each<[string, Options, Partial<Situation>, boolean, string]>([
    ["p2p off", { p2p: false }, {}, false, "switched off by the page"],
    ["consent awaited", {}, { consent: undefined }, false, "consent awaited"],
    ["no consent", {}, { consent: false }, false, "no consent"],
    ["roll-out", { rollout: 0.5 }, { draw: 0.5 }, false, "not in the roll-out"],
    ["operator's roll-out", {}, { operator: { rollout: "0.1" } }, false, "not in the roll-out"],
    ["kill switch, joined so that its end is heard", {}, { operator: { p2p: "off" } }, true, "switched off by the operator"],
    ["kill switch without consent", {}, { operator: { p2p: "off" }, consent: undefined }, false, "consent awaited"],
    ["too few viewers", { minViewers: 5 }, { viewers: 4 }, true, "too few viewers"],
    ["viewers not counted yet", { minViewers: 3 }, { viewers: 0 }, true, "too few viewers"],
    ["operator's least", {}, { operator: { "min-viewers": "50" } }, true, "too few viewers"],
  ])("bar: %s", (_, options, situation, join, reason) => {
    const l = under(options, situation);
    expect([l.active, l.join, l.reason]).toEqual([false, join, reason]);
  });

  it("keep the rest open at the bounds", () => {
    expect(under({ rollout: 0.5 }, { draw: 0.499 }).active).toBe(true);
    expect(under({ minViewers: 5 }, { viewers: 5 }).active).toBe(true);
    expect(under({ minViewers: 2 }, { viewers: 0 }).active).toBe(true);
    expect(under({ rollout: 0 }, { draw: 0 }).active).toBe(false);
  });

  it("link less on phones", () => {
    expect(under({}, { mobile: true }).peers).toBe(5);
    expect(under({ peers: 3 }, { mobile: true }).peers).toBe(3);
  });
});

describe("settings", () => {
  it("take the last word and leave undefined alone", () => {
    const s = settings({ upload: 1, peers: 2 }, { upload: 3, token: "t" }, undefined, { peers: undefined } as unknown as Options);
    expect([s.upload, s.peers, s.token, s.minViewers]).toEqual([3, 2, "t", 2]);
  });

  it.each<[string, unknown, RegExp]>([
    ["uplaod", 1, /no option is called uplaod/],
    ["upload", "1", /option upload cannot be 1/],
    ["upload", -1, /upload/],
    ["upload", NaN, /upload/],
    ["rollout", 1.5, /rollout/],
    ["metered", "yes", /metered/],
    ["iceServers", "stun:x", /iceServers/],
    ["consent", 1, /consent/],
  ])("refuse %s = %s", (name, value, message) => {
    expect(() => settings({ [name]: value } as Options)).toThrow(message);
  });
});
