// The memory tier: a least-recently-used list bounded by bytes (segments/memory.go).
import { weightOf, type Segment } from "./segment.ts";

export class MemoryTier {
  private readonly limit: number;
  /** In order of use, oldest first: a Map keeps the order of insertion. */
  private readonly list = new Map<string, { segment: Segment; weight: number }>();
  /** Sum of the weights. */
  used = 0;

  /** `limit` in bytes. */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** Keeps a segment unless it alone is above the limit. Returns the keys that had to go, itself maybe. */
  put(segment: Segment): string[] {
    const { key } = segment;
    const weight = weightOf(segment);
    this.remove(key); // an older one under this key must not outlive its replacement
    if (weight > this.limit) return [key];
    const dropped: string[] = [];
    for (const [oldest] of this.list) {
      if (this.used + weight <= this.limit) break;
      this.remove(oldest);
      dropped.push(oldest);
    }
    this.list.set(key, { segment, weight });
    this.used += weight;
    return dropped;
  }

  /** Finds a segment and makes it the most recently used. */
  get(key: string): Segment | undefined {
    const entry = this.list.get(key);
    if (!entry) return undefined;
    this.list.delete(key);
    this.list.set(key, entry);
    return entry.segment;
  }

  has(key: string): boolean {
    return this.list.has(key);
  }

  remove(key: string): void {
    const entry = this.list.get(key);
    if (!entry) return;
    this.used -= entry.weight;
    this.list.delete(key);
  }

  keys(): string[] {
    return [...this.list.keys()];
  }
}
