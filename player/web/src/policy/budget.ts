// The monthly upload budget: bytes sent in this calendar month, kept over visits.

/** The two methods of localStorage that are used. */
export interface KeyValue {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

const key = "shoal.sent";
/** Written down when this much has gathered: localStorage is slow. */
const step = 1 << 20;

export class MonthlyBudget {
  private readonly storage: KeyValue | undefined;
  private readonly now: () => Date;
  private month: string;
  /** As read last; other tabs add to it. */
  private stored: number;
  /** Not written down yet. */
  private pending = 0;

  constructor(storage: KeyValue | undefined, now: () => Date) {
    this.storage = storage;
    this.now = now;
    this.month = this.thisMonth();
    this.stored = this.read();
  }

  /** Bytes of this month, by all pages of this site. */
  used(): number {
    return this.stored + this.pending;
  }

  /** Counts bytes and returns used(). */
  add(bytes: number): number {
    if (this.month != this.thisMonth()) {
      [this.month, this.stored, this.pending] = [this.thisMonth(), 0, 0];
    }
    this.pending += bytes;
    if (this.pending >= step) this.flush();
    return this.used();
  }

  /** Writes down what has gathered. */
  flush(): void {
    if (!this.pending || !this.storage) return;
    try {
      const sum = this.read() + this.pending;
      this.storage.setItem(key, `${this.month} ${sum}`);
      [this.stored, this.pending] = [sum, 0];
    } catch {
      // Storage full or forbidden: counted for this visit.
    }
  }

  private read(): number {
    try {
      const [month, bytes] = (this.storage?.getItem(key) ?? "").split(" ");
      return month == this.month ? Number(bytes) || 0 : 0;
    } catch {
      return 0;
    }
  }

  private thisMonth(): string {
    return this.now().toISOString().slice(0, 7);
  }
}
