// Several peers in one process, over a network of memory and an origin that is a
// function: what they say to one another is the real protocol.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { concat, equal } from "../segments/bytes.ts";
import { Store } from "../segments/store.ts";
import { statementMessage, tailMessage } from "../segments/statement.ts";
import { digestOf, leafOf, PieceSize } from "../segments/piece.ts";
import { encodeBulk, FrameType, parseBulk } from "../wire/bulk.ts";
import type { Handler, Link, Network } from "./network.ts";
import { Node, type NodeEvents } from "./node.ts";
import type { Resource } from "./object.ts";

/** Everybody who can be linked. */
class Hub {
  readonly members = new Map<string, MemoryNetwork>();
  /** Changes or drops what passes on bulk channels. */
  tamper: (from: string, frame: Uint8Array) => Uint8Array = (_, f) => f;

  join(id: string): MemoryNetwork {
    const n = new MemoryNetwork(this, id);
    this.members.set(id, n);
    for (const m of this.members.values()) m.tellSize();
    return n;
  }
}

class MemoryNetwork implements Network {
  handler!: Handler;
  readonly links = new Map<string, MemoryLink>();
  readonly banned = new Set<string>();

  constructor(
    readonly hub: Hub,
    readonly id: string,
  ) {}

  start(h: Handler): void {
    this.handler = h;
    queueMicrotask(() => this.tellSize());
  }
  tellSize(): void {
    this.handler?.state(this.hub.members.size, true);
  }
  connect(peer: string): void {
    const other = this.hub.members.get(peer);
    if (this.links.has(peer)) return;
    if (!other || this.banned.has(peer) || other.banned.has(this.id)) {
      setTimeout(() => this.handler.linkDown(peer, "refused"), Latency);
      return;
    }
    const [a, b] = [new MemoryLink(this, other), new MemoryLink(other, this)];
    a.other = b;
    b.other = a;
    this.links.set(peer, a);
    other.links.set(this.id, b);
    this.handler.linkUp(a);
    other.handler.linkUp(b);
  }
  discover(count: number): void {
    const ids = [...this.hub.members.keys()].filter((id) => id !== this.id && !this.links.has(id)).slice(0, count);
    setTimeout(() => ids.length && this.handler.introduced(ids), 100);
  }
  ban(peer: string): void {
    this.banned.add(peer);
  }
  setSignalling(): void {}
  deliver(): void {}
  now = () => Date.now();
  close(): void {
    this.hub.members.delete(this.id);
    for (const l of [...this.links.values()]) l.close("leaving");
  }
}

/** One way, ms. Without any, two peers could talk for ever in no time. */
const Latency = 1;

class MemoryLink implements Link {
  other!: MemoryLink;
  private down = false;

  constructor(
    readonly home: MemoryNetwork,
    readonly away: MemoryNetwork,
  ) {}

  get peer(): string {
    return this.away.id;
  }
  private pass(f: (h: Handler, l: Link) => void): void {
    setTimeout(() => this.down || f(this.away.handler, this.other), Latency);
  }
  sendControl(m: Uint8Array): void {
    const copy = m.slice();
    this.pass((h, l) => h.control(l, copy));
  }
  sendBulk(f: Uint8Array): void {
    const copy = this.home.hub.tamper(this.home.id, f.slice());
    this.pass((h, l) => h.bulk(l, copy));
  }
  queued = () => 0;
  rtt = () => 2e6;
  close(reason: string): void {
    if (this.down) return;
    for (const l of [this, this.other]) {
      l.down = true;
      l.home.links.delete(l.peer);
      queueMicrotask(() => l.home.handler.linkDown(l.peer, reason));
    }
  }
}

const noise = (size: number, seed: number): Uint8Array => {
  const out = new Uint8Array(size);
  for (let i = 0, x = seed; i < size; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) | 0;
    out[i] = x >>> 24;
  }
  return out;
};

/** An origin: bodies by path, and how many bytes it gave out. */
class FakeOrigin {
  readonly files = new Map<string, Uint8Array>();
  requests = 0;
  bytes = 0;
  headers: Record<string, string> = { "content-type": "video/mp4", etag: '"1"' };
  /** Bodies are made by this instead, for those that take their time. */
  body: ((path: string) => ReadableStream<Uint8Array>) | undefined;

  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    this.requests++;
    const path = new URL(url).pathname;
    if (this.body) return new Response(this.body(path) as BodyInit, { headers: this.headers });
    const file = this.files.get(path);
    if (!file) return new Response("", { status: 404 });
    const range = /^bytes=(\d+)-(\d*)$/.exec(new Headers(init.headers).get("range") ?? "");
    const last = range?.[2] ? Math.min(+range[2], file.length - 1) : file.length - 1;
    const part = file.slice(range ? +range[1]! : 0, last + 1);
    this.bytes += part.length;
    const headers: Record<string, string> = { ...this.headers, "content-length": `${part.length}` };
    if (range) headers["content-range"] = `bytes ${range[1]}-${last}/${file.length}`;
    return new Response(part as BodyInit, { status: range ? 206 : 200, headers });
  };
}

declare const setImmediate: (f: () => void) => void; // node's

/** Real turns of the event loop, in which hashes and streams get done, to each millisecond of the story. */
const TurnsPerMillisecond = 3;
/** Longest story, ms. */
const Patience = 60_000;

/** Lets time pass, however slow this machine is, until something is so. */
async function until(so: () => unknown): Promise<void> {
  for (let ms = 0; !so(); ms++) {
    if (ms > Patience) throw new Error(`never: ${so}`);
    for (let turn = 0; turn < TurnsPerMillisecond; turn++) await new Promise<void>((done) => setImmediate(done));
    vi.advanceTimersByTime(1);
  }
}

/** Lets time pass: long enough for haves to be told. */
async function gossip(): Promise<void> {
  const end = Date.now() + 2500;
  await until(() => Date.now() >= end);
}

/** Lets time pass until work is done. */
async function told<T>(work: Promise<T>): Promise<T> {
  let over = false;
  const end = () => (over = true);
  work.then(end, end);
  await until(() => over);
  return work;
}

let hub: Hub;
let origin: FakeOrigin;
let nodes: Node[];
let ids = 0;

beforeEach(() => {
  hub = new Hub();
  origin = new FakeOrigin();
  nodes = [];
  vi.stubGlobal("fetch", origin.fetch);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"] });
});
afterEach(() => {
  for (const n of nodes) n.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function peer(events: Partial<NodeEvents> = {}, extra: { requireSigned?: boolean; seed?: boolean } = {}): Node {
  const network = hub.join((++ids).toString(16).padStart(16, "0"));
  const n = new Node({
    swarm: "test",
    store: new Store(64 << 20),
    network,
    requireSigned: !!extra.requireSigned,
    core: { seed: !!extra.seed, sampleRate: 1e-12 }, // samples are of chance
    events: { link() {}, segment() {}, banned() {}, warning: (m) => console.warn(m), ...events },
  });
  nodes.push(n);
  return n;
}

const resource = (key: string, more: Partial<Resource> = {}): Resource => ({
  key,
  url: `https://origin.example/${key}`,
  headers: undefined,
  credentials: undefined,
  first: 0,
  last: -1,
  available: 0,
  whole: 0,
  deadline: Date.now() + 8000,
  duration: 2000,
  sizeHint: -1,
  urgent: false,
  ...more,
});

function get(n: Node, r: Resource, onData: (bytes: number) => void = () => {}): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const parts: Uint8Array[] = [];
    n.get(r, {
      head() {},
      data: (_, bytes) => {
        parts.push(bytes);
        onData(bytes.length);
      },
      end: () => resolve(concat(parts)),
      fail: (_, error) => reject(error),
    });
  });
}

/** For what the brains have time to agree on: it exists a moment from now. */
const soon = (key: string, more: Partial<Resource> = {}) =>
  resource(key, { available: Date.now() + 300, ...more });

const linked = (...all: Node[]) => until(() => all.every((n) => n.neighbours.size === all.length - 1));

describe("a swarm in memory", () => {
  test("two peers, one copy from the origin", async () => {
    const body = noise(500_000, 1);
    origin.files.set("/v/1", body);
    const [a, b] = [peer(), peer()];
    await linked(a, b);
    const r = soon("v/1");
    a.plan([r]);
    b.plan([r]);
    const got = await told(Promise.all([get(a, r), get(b, r)]));
    for (const g of got) expect(equal(g, body)).toBe(true);
    expect(origin.bytes).toBe(body.length);
    expect(a.tally.peer + b.tally.peer).toBe(body.length);
  });

  test("cut-through over five peers, and a late joiner is served from what is held", async () => {
    const body = noise(700_001, 2);
    origin.files.set("/v/7", body);
    const all = [peer(), peer(), peer(), peer()];
    await linked(...all);
    const r = soon("v/7");
    for (const n of all) n.plan([r]);
    const got = await told(Promise.all(all.map((n) => get(n, r))));
    for (const g of got) expect(equal(g, body)).toBe(true);
    expect(origin.bytes).toBe(body.length);
    const late = peer();
    await until(() => late.neighbours.size);
    await until(() => all.some((n) => n.known.has("v/7")));
    await gossip();
    expect(equal(await told(get(late, resource("v/7"))), body)).toBe(true);
    expect(origin.bytes).toBe(body.length);
  });

  test("corrupt pieces are refused, their sender banned, and the bytes come from elsewhere", async () => {
    const body = noise(300_000, 3);
    origin.files.set("/v/2", body);
    const banned: string[] = [];
    const honest = peer({ banned: (id) => banned.push(id) });
    const liar = peer();
    await linked(honest, liar);
    hub.tamper = (from, frame) => {
      if (from === liar.cfg.network.id && frame[0] === FrameType.Piece) frame[frame.length - 1]! ^= 1;
      return frame;
    };
    // The honest one has only the liar to ask for now.
    const got = get(honest, soon("v/2", { available: Date.now() + 1000 }));
    expect(equal(await told(get(liar, resource("v/2"))), body)).toBe(true);
    expect(equal(await told(got), body)).toBe(true);
    expect(banned).toEqual([liar.cfg.network.id]);
    expect(honest.tally.rejected).toBeGreaterThan(0);
    expect(honest.neighbours.size).toBe(0);
  });

  test("malformed frames close the link", async () => {
    origin.files.set("/v/3", noise(100_000, 4));
    const [a, b] = [peer(), peer()];
    await linked(a, b);
    (a.cfg.network as MemoryNetwork).links.get(b.cfg.network.id)!.sendControl(Uint8Array.of(1, 0xc1));
    await until(() => b.tally.malformed);
    expect(equal(await told(get(b, resource("v/3"))), origin.files.get("/v/3")!)).toBe(true);
  });

  test("a range of a resource", async () => {
    const body = noise(400_000, 5);
    origin.files.set("/v.mp4", body);
    const [a, b] = [peer(), peer()];
    await linked(a, b);
    const r = soon("0/v/100000-299999", { url: "https://origin.example/v.mp4", first: 100_000, last: 299_999 });
    a.plan([r]);
    b.plan([r]);
    const got = await told(Promise.all([get(a, r), get(b, r)]));
    for (const g of got) expect(equal(g, body.subarray(100_000, 300_000))).toBe(true);
    expect(origin.bytes).toBe(200_000);
  });

  test("the origin's refusal reaches the player", async () => {
    await expect(told(get(peer(), resource("v/404")))).rejects.toMatchObject({ code: 404 });
  });

  test("private bytes are played and never offered", async () => {
    const body = noise(50_000, 6);
    origin.files.set("/v/9", body);
    origin.headers["cache-control"] = "private";
    const [a, b] = [peer(), peer()];
    await linked(a, b);
    const got = await told(Promise.all([get(a, resource("v/9")), get(b, resource("v/9"))]));
    for (const g of got) expect(equal(g, body)).toBe(true);
    expect(a.tally.peer + b.tally.peer).toBe(0);
    expect(a.cfg.store.has("v/9")).toBe(false);
  });

  test("what the origin is still making is passed on as it grows", async () => {
    const body = noise(60_000, 7);
    let release!: () => void;
    const gate = new Promise<void>((r) => (release = r));
    origin.body = () =>
      new ReadableStream({
        async start(c) {
          c.enqueue(body.slice(0, 5000));
          await gate;
          c.enqueue(body.slice(5000, 40_000));
          c.enqueue(body.slice(40_000));
          c.close();
        },
      });
    const [a, b] = [peer(), peer()];
    await linked(a, b);
    const growing = soon("v/5", { whole: Date.now() + 2300 });
    a.plan([growing]);
    b.plan([growing]);
    const seen = [0, 0];
    const got = [a, b].map((n, i) => get(n, growing, (bytes) => (seen[i]! += bytes)));
    // Both have the first chunk, less than a piece, while the origin is silent.
    await until(() => seen.every((bytes) => bytes === 5000));
    release();
    for (const g of await told(Promise.all(got))) expect(equal(g, body)).toBe(true);
    expect(origin.requests).toBe(1);
  });

  test("a peer that leaves in the middle is replaced by the origin", async () => {
    const body = noise(900_000, 8);
    origin.files.set("/v/6", body);
    const [a, b] = [peer(), peer()];
    await linked(a, b);
    await told(get(a, resource("v/6")));
    await until(() => a.known.has("v/6"));
    await gossip(); // or it might ask the origin before it hears
    let closed = false;
    const got = get(b, resource("v/6"), () => {
      if (!closed) a.close();
      closed = true;
    });
    expect(equal(await told(got), body)).toBe(true);
    expect(b.tally.peer).toBeGreaterThan(0);
    expect(b.tally.origin).toBeGreaterThan(0);
  });
});

describe("signed", () => {
  async function seedKey() {
    const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
    const pub = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
    const sign = async (m: Uint8Array) => new Uint8Array(await crypto.subtle.sign("Ed25519", pair.privateKey, m as BufferSource));
    return { pub, sign };
  }

  test("a seed's statement travels with the bytes, and unsigned ones are refused where that is required", async () => {
    const { pub, sign } = await seedKey();
    const body = noise(100_000, 9);
    origin.files.set("/v/1", body);
    const [a, b] = [peer({}, { requireSigned: true }), peer({}, { requireSigned: true })];
    await Promise.all([a.trust(pub), b.trust(pub)]);
    await linked(a, b);
    // a has it from the origin, and nobody vouches: b does not take it from a.
    await told(get(a, resource("v/1")));
    await until(() => a.known.has("v/1"));
    expect(equal(await told(get(b, resource("v/1"))), body)).toBe(true);
    expect(b.tally.peer).toBe(0);
    // As if a seed had sent it.
    const leaves = [];
    for (let i = 0; i < body.length; i += PieceSize) leaves.push(await leafOf(body.subarray(i, i + PieceSize)));
    const signature = await sign(statementMessage("test", "v/2", body.length, leaves));
    origin.files.set("/v/2", body);
    await told(get(a, resource("v/2")));
    await until(() => a.known.has("v/2"));
    const stored = a.cfg.store.peek("v/2")!;
    await a.cfg.store.put({ ...stored, statement: { size: body.length, count: leaves.length, signature } });
    await gossip();
    expect(equal(await told(get(b, resource("v/2"))), body)).toBe(true);
    expect(b.tally.peer).toBe(body.length);
    expect(b.cfg.store.peek("v/2")?.statement?.signature).toEqual(signature);
  });

  test("a statement by somebody else gets its sender banned", async () => {
    const { pub } = await seedKey();
    const { sign } = await seedKey();
    const body = noise(40_000, 10);
    origin.files.set("/v/3", body);
    const banned: string[] = [];
    const [a, b] = [peer(), peer({ banned: (id) => banned.push(id) })];
    await b.trust(pub);
    await linked(a, b);
    await told(get(a, resource("v/3")));
    await until(() => a.known.has("v/3"));
    const stored = a.cfg.store.peek("v/3")!;
    const signature = await sign(statementMessage("test", "v/3", body.length, stored.leaves));
    await a.cfg.store.put({ ...stored, statement: { size: body.length, count: stored.leaves.length, signature } });
    await gossip();
    expect(equal(await told(get(b, resource("v/3"))), body)).toBe(true);
    expect(banned).toEqual([a.cfg.network.id]);
    expect(b.tally.peer).toBe(0);
  });

  test("messages to be signed are those of the protocol", async () => {
    const tail = await tailMessage("s", "k/1", 3, Uint8Array.of(1));
    expect(new TextDecoder().decode(tail.subarray(0, 13))).toBe("shoal tail 1\0");
    expect(tail.length).toBe(13 + 5 + 7 + 8 + 32);
    expect(digestOf(-1, []).length).toBe(28);
  });
});

test("frames survive the trip", () => {
  const frame = { frame: FrameType.Tail as const, transfer: 1, index: 2, offset: 3, signature: undefined, payload: Uint8Array.of(9) };
  expect(parseBulk(encodeBulk(frame))).toEqual(frame);
});
