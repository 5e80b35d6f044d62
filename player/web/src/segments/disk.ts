// The file disk.js: the disk tier, segments in IndexedDB, so that a reload need not fetch them again.
// It may refuse at any time (private mode, quota, another tab): then it does without.
import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import { concat, equal } from "./bytes.ts";
import { LeafSize, leafOf, type Leaf } from "./piece.ts";
import { identity, type Meta, type Segment } from "./segment.ts";
import type { Statement } from "./statement.ts";

/** What is known of a stored segment without reading its bytes. */
interface Entry {
  swarm: string;
  key: string;
  /** When it was stored, ms since 1970: the oldest go first. */
  at: number;
  meta: Meta;
  size: number;
  /** Bytes on disk. */
  weight: number;
  leaves: Uint8Array;
  statement: Statement | undefined;
  /** Lengths of the pieces in wire form, negative of compressed ones. */
  lengths: number[];
}

interface Schema extends DBSchema {
  entries: { key: [string, string]; value: Entry; indexes: { at: number } };
  bytes: { key: [string, string]; value: Uint8Array };
}

/** How much of the tier is left when the browser's quota is reached before our limit. */
const QuotaShare = 0.5;
/** Other tabs write too: the bytes are counted anew every so many writes. */
const RecountEvery = 64;

export class DiskTier {
  private readonly swarm: string;
  private readonly limit: number;
  private readonly db: IDBPDatabase<Schema>;
  /** Sizes of this swarm's segments by key; what other tabs do to them shows when they are read. */
  readonly known = new Map<string, number>();
  /** Bytes stored, as far as this tab knows. */
  private used = 0;
  private writes = 0;

  private constructor(db: IDBPDatabase<Schema>, swarm: string, limit: number) {
    this.db = db;
    this.swarm = swarm;
    this.limit = limit;
  }

  static async open(swarm: string, limit: number, name: string): Promise<DiskTier> {
    const db = await openDB<Schema>(name, 1, {
      upgrade(db) {
        const entries = db.createObjectStore("entries", { keyPath: ["swarm", "key"] });
        entries.createIndex("at", "at");
        db.createObjectStore("bytes");
      },
      // Whoever deletes the database need not wait for this tab to end.
      blocking: (_, __, event) => (event.target as IDBDatabase).close(),
    });
    const tier = new DiskTier(db, swarm, limit);
    for (const e of await db.getAll("entries")) {
      tier.used += e.weight;
      if (e.swarm === swarm) tier.known.set(e.key, e.size);
    }
    return tier;
  }

  /** Stores a segment. Returns the keys of this swarm that went for it. */
  async put(s: Segment): Promise<string[]> {
    const bytes = concat(s.pieces.map((p) => p.payload));
    const entry: Entry = {
      swarm: this.swarm,
      key: s.key,
      at: Date.now(),
      meta: s.meta,
      size: s.size,
      weight: bytes.length,
      leaves: concat(s.leaves),
      statement: s.statement,
      lengths: s.pieces.map((p) => (p.compressed ? -p.payload.length : p.payload.length)),
    };
    if (bytes.length > this.limit) return [];
    const dropped = await this.shrink(this.limit - bytes.length);
    try {
      await this.write(entry, bytes);
    } catch {
      // The browser's quota is below our limit, or another site took the space.
      dropped.push(...(await this.shrink(this.used * QuotaShare)));
      await this.write(entry, bytes);
    }
    this.known.set(s.key, s.size);
    this.used += bytes.length;
    return dropped.filter((k) => k !== s.key);
  }

  private async write(entry: Entry, bytes: Uint8Array): Promise<void> {
    const tx = this.db.transaction(["entries", "bytes"], "readwrite");
    await Promise.all([
      tx.objectStore("entries").put(entry),
      tx.objectStore("bytes").put(bytes, [entry.swarm, entry.key]),
      tx.done,
    ]);
  }

  /** Drops the oldest segments until the tier holds at most `target` bytes. */
  private async shrink(target: number): Promise<string[]> {
    const dropped: string[] = [];
    if (this.used <= target && this.writes++ % RecountEvery) return dropped;
    const tx = this.db.transaction(["entries", "bytes"], "readwrite");
    const index = tx.objectStore("entries").index("at");
    let used = 0;
    for (let c = await index.openCursor(); c; c = await c.continue()) used += c.value.weight;
    for (let c = await index.openCursor(); c && used > target; c = await c.continue()) {
      const { swarm, key, weight } = c.value;
      used -= weight;
      await Promise.all([c.delete(), tx.objectStore("bytes").delete([swarm, key])]);
      if (swarm === this.swarm) {
        this.known.delete(key);
        dropped.push(key);
      }
    }
    await tx.done;
    this.used = used;
    return dropped;
  }

  /** Reads a segment and verifies it against its leaves; a damaged one is removed. */
  async get(key: string): Promise<Segment | undefined> {
    const id: [string, string] = [this.swarm, key];
    const [entry, bytes] = await Promise.all([this.db.get("entries", id), this.db.get("bytes", id)]);
    const segment = entry && bytes && restore(entry, bytes);
    if (segment && (await verified(segment))) return segment;
    await this.remove(key);
    return undefined;
  }

  async remove(key: string): Promise<void> {
    this.known.delete(key);
    const tx = this.db.transaction(["entries", "bytes"], "readwrite");
    await Promise.all([
      tx.objectStore("entries").delete([this.swarm, key]),
      tx.objectStore("bytes").delete([this.swarm, key]),
      tx.done,
    ]);
  }

  close(): void {
    this.db.close();
  }
}

function restore(e: Entry, bytes: Uint8Array): Segment {
  let at = 0;
  const pieces = e.lengths.map((length) => ({
    payload: bytes.subarray(at, (at += Math.abs(length))),
    compressed: length < 0,
  }));
  const leaves: Leaf[] = [];
  for (let i = 0; i < e.leaves.length; i += LeafSize) leaves.push(e.leaves.subarray(i, i + LeafSize));
  return { key: e.key, meta: e.meta, size: e.size, leaves, statement: e.statement, pieces };
}

/** What came from the disk is passed on to others as verified, so it is verified again. */
async function verified(s: Segment): Promise<boolean> {
  if (s.pieces.length !== s.leaves.length) return false;
  for (const [i, p] of s.pieces.entries()) {
    try {
      if (!equal(await leafOf(await identity(p)), s.leaves[i]!)) return false;
    } catch {
      return false;
    }
  }
  return true;
}

/** Opens the tier, `limit` in bytes for all swarms together. Rejects where there is none. */
export const openDisk = (swarm: string, limit: number): Promise<DiskTier> => DiskTier.open(swarm, limit, "shoal");
