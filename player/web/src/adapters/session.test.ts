import { afterEach, describe, expect, it, vi } from "vitest";
import { settings } from "../options.ts";
import { fakeEngines, settled } from "./fake.ts";
import { on, pageOptions, renewToken, Session, stats } from "./session.ts";

const open: Session[] = [];
function session(options = {}) {
  const s = new Session(options);
  open.push(s);
  return s;
}
afterEach(() => {
  for (const s of open.splice(0)) s.close();
  for (const name of Object.keys(pageOptions)) delete (pageOptions as any)[name];
  vi.useRealTimers();
});

describe("a session", () => {
  it("shares the engine of its swarm and ends it as the last", () => {
    const made = fakeEngines(() => ({}));
    const [a, b, c] = [session(), session(), session({ swarm: "mine" })];
    a.open("https://cdn.example/a.mpd?token=1");
    b.open("http://CDN.example:80/a.mpd");
    c.open("https://cdn.example/a.mpd");
    expect(made.map((e) => e.options.swarm)).toEqual(["cdn.example/a.mpd", "mine"]);
    expect(stats().map((s) => s.swarm)).toEqual(["cdn.example/a.mpd", "mine"]);
    a.close();
    a.close();
    expect(made[0]!.destroyed).toBe(0);
    b.close();
    expect(made[0]!.destroyed).toBe(1);
    expect(a.engine()).toBeUndefined();
  });

  it("moves on with the manifest", () => {
    const made = fakeEngines(() => ({}));
    const a = session();
    a.open("https://cdn.example/a.mpd");
    a.open("https://cdn.example/a.mpd?again");
    a.open("https://cdn.example/b.mpd");
    expect(made.map((e) => [e.options.swarm, e.destroyed])).toEqual([["cdn.example/a.mpd", 1], ["cdn.example/b.mpd", 0]]);
  });

  it("plays on where no engine can be made", () => {
    const warnings: string[] = [];
    const off = on("warning", ({ message }) => warnings.push(message));
    const a = session();
    a.open("file:///a.mpd");
    expect(a.engine()).toBeUndefined();
    expect(warnings[0]).toMatch(/file:\/\/\/a.mpd plays without peers/);
    off();
  });

  it("gives the engine its options, the attach's over the page's", () => {
    const made = fakeEngines(() => ({}));
    Object.assign(pageOptions, { signal: "wss://a/ws", token: "t", peers: 3, disk: 5 });
    const a = session({ signal: "wss://b/ws", signingKey: "00ff".repeat(16), upload: 0 });
    a.open("https://cdn.example/a.mpd");
    expect(made[0]!.options).toMatchObject({
      signal: "wss://b/ws", token: "t", maxPeers: 3, minPeers: 3, disk: 5, memory: settings().memory, relayOnly: false,
      condition: { signalling: true, links: true, metered: true, silent: true },
    });
    expect((made[0]!.options.publicKey as Uint8Array).length).toBe(32);
  });

  it("gives a new token to every swarm of the page", () => {
    const made = fakeEngines(() => ({}));
    const open = [session({}), session({})];
    open.forEach((s, i) => s.open(`https://cdn.example/${i}.mpd`));
    renewToken("fresh");
    expect(made.map((e) => e.conditions.at(-1))).toEqual([{ token: "fresh" }, { token: "fresh" }]);
    open.forEach((s) => s.close());
  });

  it("lets manners rule: viewers, kill switch, bytes sent", () => {
    vi.useFakeTimers();
    const made = fakeEngines(() => ({}));
    const policies: object[] = [];
    const off = on("policy", (p) => policies.push(p));
    const a = session({ monthlyUpload: 1000, minViewers: 3 });
    a.open("https://cdn.example/a.mpd");
    const [engine] = made;
    expect(engine!.options.condition).toMatchObject({ links: false });
    engine!.emit("signal", { connected: true, swarmSize: 3, settings: {} });
    expect(engine!.conditions.at(-1)).toMatchObject({ signalling: true, links: true, silent: false, uploadMax: 20e6 });
    engine!.sentBytes = 1000;
    vi.advanceTimersByTime(2000);
    expect(engine!.conditions.at(-1)).toMatchObject({ links: true, silent: true, metered: true });
    engine!.emit("signal", { connected: true, swarmSize: 3, settings: { p2p: "off" } });
    expect(engine!.conditions.at(-1)).toMatchObject({ signalling: true, links: false });
    expect(policies).toEqual([
      { active: true, reason: "" },
      { active: false, reason: "switched off by the operator" },
    ]);
    off();
  });

  it("opens no link before consent", async () => {
    const made = fakeEngines(() => ({}));
    let agree!: (yes: boolean) => void;
    const a = session({ minViewers: 0, consent: new Promise<boolean>((resolve) => (agree = resolve)) });
    a.open("https://cdn.example/a.mpd");
    expect(made[0]!.options.condition).toMatchObject({ signalling: false, links: false });
    agree(true);
    await settled();
    expect(made[0]!.conditions.at(-1)).toMatchObject({ signalling: true, links: true });
  });

  it("tells where the viewer is only on opt-in, and after consent", async () => {
    let asked = 0;
    vi.stubGlobal("navigator", { geolocation: { getCurrentPosition: (ok: any) => (asked++, ok({ coords: { latitude: 1.23, longitude: 4.56 } })) } });
    const made = fakeEngines(() => ({}));
    session({ swarm: "a" }).open("https://cdn.example/a.mpd");
    let agree!: (yes: boolean) => void;
    session({ swarm: "b", geolocation: true, consent: new Promise<boolean>((resolve) => (agree = resolve)) }).open("https://cdn.example/a.mpd");
    await settled();
    expect(asked).toBe(0);
    agree(true);
    await settled();
    expect([asked, made[0]!.conditions, made[1]!.conditions.at(-1)]).toEqual([1, [], { place: { latitude: 1.2, longitude: 4.6 } }]);
    vi.unstubAllGlobals();
  });

  it("rests after a failure", () => {
    vi.useFakeTimers({ toFake: ["performance", "setInterval", "clearInterval"] });
    fakeEngines(() => ({}));
    const a = session();
    a.open("https://cdn.example/a.mpd");
    a.failed("it");
    expect(a.engine()).toBeUndefined();
    vi.advanceTimersByTime(30_000);
    expect(a.engine()).toBeDefined();
  });

  it("does not let a page's faulty listener in the way", async () => {
    const made = fakeEngines(() => ({}));
    const seen: number[] = [];
    const errors: unknown[] = [];
    vi.useFakeTimers();
    const offs = [on("peers", () => { throw new Error("page"); }), on("peers", ({ count }, swarm) => seen.push(count, swarm.length))];
    const a = session();
    a.open("https://cdn.example/a.mpd");
    made[0]!.emit("peers", { count: 2, peer: "x", up: true });
    expect(seen).toEqual([2, 17]);
    try {
      vi.runOnlyPendingTimers();
    } catch (error) {
      errors.push(error);
    }
    expect(String(errors[0])).toMatch(/page/);
    for (const off of offs) off();
  });
});
