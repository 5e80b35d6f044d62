// Whole segments of one swarm, in memory and on disk (segments/store.go, segments/view.go).
import type { DiskTier } from "./disk.ts";
import { MemoryTier } from "./memory.ts";
import type { Segment } from "./segment.ts";

export class Store {
  private readonly memory: MemoryTier;
  private disk: DiskTier | undefined;
  /** Told of each key that is gone from both tiers; not for delete. */
  onEvict: (key: string) => void = () => {};
  /** Told when the disk tier is given up. */
  onTrouble: (message: string) => void = () => {};

  /** `memory` is the memory tier's limit in bytes. */
  constructor(memory: number) {
    this.memory = new MemoryTier(memory);
  }

  /** Adds the disk tier. Resolves in any case: without one everything works, only a reload starts anew. */
  async useDisk(open: () => Promise<DiskTier>): Promise<void> {
    try {
      this.disk = await open();
    } catch (error) {
      this.giveUp(error);
    }
  }

  private giveUp(error: unknown): void {
    const lost = this.disk;
    this.disk = undefined;
    this.onTrouble(`no disk cache: ${error}`);
    for (const key of lost?.known.keys() ?? []) if (!this.memory.has(key)) this.onEvict(key);
  }

  /** Keeps a segment. What had to go is told by onEvict. */
  async put(segment: Segment): Promise<void> {
    const dropped = this.memory.put(segment);
    try {
      if (this.disk) dropped.push(...(await this.disk.put(segment)));
    } catch (error) {
      this.giveUp(error);
    }
    this.lost(dropped);
  }

  private lost(keys: string[]): void {
    for (const key of keys) if (!this.has(key)) this.onEvict(key);
  }

  /** What the memory tier has, at once. */
  peek(key: string): Segment | undefined {
    return this.memory.get(key);
  }

  /** From memory, or from disk, verified; then it is in memory too. */
  async get(key: string): Promise<Segment | undefined> {
    const here = this.memory.get(key);
    if (here || !this.disk?.known.has(key)) return here;
    let segment: Segment | undefined;
    try {
      segment = await this.disk.get(key);
    } catch (error) {
      this.giveUp(error);
    }
    if (segment) this.lost(this.memory.put(segment));
    else this.onEvict(key);
    return segment;
  }

  has(key: string): boolean {
    return this.memory.has(key) || !!this.disk?.known.has(key);
  }

  delete(key: string): void {
    this.memory.remove(key);
    this.disk?.remove(key).catch((error) => this.giveUp(error));
  }

  /** Keys and sizes of all that either tier has. */
  *held(): Generator<[key: string, size: number]> {
    yield* this.disk?.known ?? [];
    for (const key of this.memory.keys()) if (!this.disk?.known.has(key)) yield [key, this.memory.get(key)!.size];
  }

  close(): void {
    this.disk?.close();
  }
}
