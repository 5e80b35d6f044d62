import { describe, expect, it } from "vitest";
import { settings, type Options } from "../options.ts";
import { locate } from "./geolocation.ts";
import type { Limits } from "./limits.ts";
import { Manners, type Surroundings } from "./manners.ts";

class Thing extends EventTarget {
  [name: string]: any;
  set(event: string, values: object) {
    Object.assign(this, values);
    this.dispatchEvent(new Event(event));
  }
}

class Store {
  kept: Record<string, string> = {};
  getItem(key: string) {
    return this.kept[key] ?? null;
  }
  setItem(key: string, value: string) {
    this.kept[key] = value;
  }
}

function stage(options: Options = {}, more: Partial<Surroundings> = {}) {
  const connection = new Thing();
  const page = Object.assign(new Thing(), { hidden: false });
  const battery = Object.assign(new Thing(), { level: 1, charging: false });
  const storage = new Store();
  const around: Surroundings = {
    connection, page, battery: () => Promise.resolve(battery as any), storage,
    mobile: false, now: () => new Date("2026-03-31T12:00:00Z"), random: () => 0.25, ...more,
  };
  const manners = new Manners(settings({ minViewers: 0, ...options }), around);
  const seen: Limits[] = [];
  manners.on((l) => seen.push(l));
  return { manners, connection, page, battery, storage, seen, last: () => manners.limits() };
}
const settled = () => new Promise((done) => setTimeout(done));

describe("manners", () => {
  it("follow the tab, the connection and the battery, and tell each change once", async () => {
    const s = stage();
    await settled();
    s.page.set("visibilitychange", { hidden: true });
    s.page.set("visibilitychange", { hidden: true });
    expect(s.last().upload).toBe(2e6);
    s.connection.set("change", { type: "cellular" });
    expect(s.last()).toMatchObject({ upload: 0, metered: true });
    s.connection.set("change", { type: "wifi" });
    s.page.set("visibilitychange", { hidden: false });
    s.battery.set("levelchange", { level: 0.1 });
    expect(s.last().reason).toBe("battery low");
    s.battery.set("chargingchange", { charging: true });
    expect(s.last().upload).toBe(20e6);
    expect(s.seen.map((l) => l.reason)).toEqual(["hidden", "metered", "hidden", "", "battery low", ""]);
    s.manners.close();
    s.page.set("visibilitychange", { hidden: true });
    expect(s.seen.length).toBe(6);
  });

  it.each<[string, Options["consent"]]>([
    ["promise", Promise.resolve(true)],
    ["function", () => true],
    ["function that asks", async () => true],
  ])("wait for consent: %s", async (_, consent) => {
    const s = stage({ consent: consent! });
    expect(s.last()).toMatchObject({ join: false, active: false, reason: "consent awaited" });
    await settled();
    expect(s.last()).toMatchObject({ join: true, active: true, reason: "" });
  });

  it.each<[string, Options["consent"]]>([
    ["false", false],
    ["refusal", Promise.resolve(false)],
    ["failure", () => Promise.reject(new Error("no dialogue"))],
    ["something else", (() => "yes") as unknown as () => boolean],
  ])("take for no consent: %s", async (_, consent) => {
    const s = stage({ consent: consent! });
    await settled();
    expect(s.last()).toMatchObject({ join: false, active: false, reason: "no consent" });
  });

  it("obey the kill switch and its end", () => {
    const s = stage();
    s.manners.welcome({ p2p: "off" });
    expect(s.last()).toMatchObject({ active: false, join: true });
    s.manners.welcome({});
    expect(s.last().active).toBe(true);
  });

  it("wait for viewers", () => {
    const s = stage({ minViewers: 3 });
    s.manners.viewers(2);
    expect(s.last().active).toBe(false);
    s.manners.viewers(3);
    expect(s.last().active).toBe(true);
  });

  it("stay in or out of a roll-out", () => {
    const s = stage({ rollout: 0.3 });
    expect(s.last().active).toBe(true);
    expect(s.storage.kept["shoal.draw"]).toBe("0.25");
    expect(stage({ rollout: 0.3 }, { storage: s.storage, random: () => 0.9 }).last().active).toBe(true);
    expect(stage({ rollout: 0.3 }, { random: () => 0.9 }).last().join).toBe(false);
  });

  it("count what was sent over visits, tabs and months", () => {
    const storage = new Store();
    const a = stage({ monthlyUpload: 5 << 20 }, { storage });
    const b = stage({ monthlyUpload: 5 << 20 }, { storage });
    a.manners.sent(2 << 20);
    b.manners.sent(2 << 20);
    b.manners.sent(1);
    expect(storage.kept["shoal.sent"]).toBe(`2026-03 ${4 << 20}`);
    a.manners.sent(1 << 20);
    expect(a.last()).toMatchObject({ upload: 0, reason: "monthly budget used" });
    b.manners.close();
    expect(storage.kept["shoal.sent"]).toBe(`2026-03 ${(5 << 20) + 1}`);
    expect(stage({ monthlyUpload: 5 << 20 }, { storage }).last().upload).toBe(0);
    const april = stage({ monthlyUpload: 5 << 20 }, { storage, now: () => new Date("2026-04-01T00:00:00Z") });
    expect(april.last().upload).toBe(20e6);
    april.manners.sent(3 << 20);
    expect(storage.kept["shoal.sent"]).toBe(`2026-04 ${3 << 20}`);
  });

  it("live without any of the browser's APIs, and with storage that fails", () => {
    const failing = { getItem: () => { throw new Error("denied"); }, setItem: () => { throw new Error("denied"); } };
    const s = stage({ monthlyUpload: 100 }, { connection: undefined, battery: undefined, page: undefined, storage: failing });
    s.manners.sent(100);
    expect(s.last().reason).toBe("monthly budget used");
    expect(stage({}, { battery: () => Promise.reject(new Error("policy")) }).last().upload).toBe(20e6);
  });

  it("keep less on a phone unless told", () => {
    expect(stage({}, { mobile: true }).manners.memory()).toBe(48 << 20);
    expect(stage({ memory: 1 << 20 }, { mobile: true }).manners.memory()).toBe(1 << 20);
    expect(stage({ upload: 1 }).manners.memory()).toBe(128 << 20);
  });
});

describe("geolocation", () => {
  const at = { getCurrentPosition: (ok: any) => ok({ coords: { latitude: 52.5163, longitude: -13.3777 } }) } as Geolocation;
  it("is asked only on opt-in, and rounded", async () => {
    let asked = 0;
    const counting = { getCurrentPosition: (ok: any) => (asked++, at.getCurrentPosition(ok)) } as Geolocation;
    expect(await locate(settings({}), counting)).toBeUndefined();
    expect(asked).toBe(0);
    expect(await locate(settings({ geolocation: true }), counting)).toEqual({ latitude: 52.5, longitude: -13.4 });
  });
  it("lives with a refusal", async () => {
    const no = { getCurrentPosition: (_: any, bad: any) => bad(new Error("denied")) } as Geolocation;
    expect(await locate(settings({ geolocation: true }), no)).toBeUndefined();
  });
});
