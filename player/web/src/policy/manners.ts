// Watches the viewer's situation and says when the limits change.
import { mobileMemory, defaults, type Settings } from "../options.ts";
import { decide, type Limits, type Situation } from "./limits.ts";
import { MonthlyBudget, type KeyValue } from "./budget.ts";

/** navigator.connection, where there is one (Network Information API). */
interface Connection extends EventTarget {
  type?: string;
  saveData?: boolean;
}

/** navigator.getBattery()'s (Battery Status API). */
interface Battery extends EventTarget {
  level: number;
  charging: boolean;
}

/** What of the browser is looked at; a test gives its own. */
export interface Surroundings {
  connection?: Connection | undefined;
  battery?: (() => Promise<Battery>) | undefined;
  page?: (EventTarget & { hidden: boolean }) | undefined;
  storage?: KeyValue | undefined;
  mobile: boolean;
  now(): Date;
  random(): number;
}

/** The browser that this runs in. Everything in it may be missing. */
export function browser(): Surroundings {
  const n = globalThis.navigator as
    | (Navigator & { connection?: Connection; getBattery?: () => Promise<Battery>; userAgentData?: { mobile: boolean } })
    | undefined;
  let storage: KeyValue | undefined;
  try {
    storage = globalThis.localStorage; // throws where storage is forbidden
  } catch {
    // The budget then counts per visit.
  }
  return {
    connection: n?.connection,
    battery: n?.getBattery?.bind(n),
    page: globalThis.document,
    storage,
    // iPads say they are Macs, but no Mac has a touch screen.
    mobile: n?.userAgentData?.mobile ?? (/Mobi|Android/.test(n?.userAgent ?? "") || (/Mac/.test(n?.platform ?? "") && n!.maxTouchPoints > 1)),
    now: () => new Date(),
    random: Math.random,
  };
}

const drawKey = "shoal.draw";

/** Limits that follow the viewer's situation. One for each engine; close() ends its listening. */
export class Manners {
  private readonly s: Situation;
  private last: Limits;
  private readonly listeners = new Set<(limits: Limits) => void>();
  private readonly budget: MonthlyBudget;
  private readonly undo: (() => void)[] = [];
  private readonly o: Settings;
  private closed = false;

  constructor(options: Settings, around: Surroundings = browser()) {
    this.o = options;
    this.budget = new MonthlyBudget(around.storage, around.now);
    this.s = {
      consent: typeof options.consent == "boolean" ? options.consent : undefined,
      draw: draw(around),
      viewers: 0,
      mobile: around.mobile,
      cellular: false,
      saveData: false,
      hidden: false,
      battery: 1,
      sent: this.budget.used(),
      operator: {},
    };
    const { connection, page, battery } = around;
    const look = () => {
      this.s.cellular = connection?.type == "cellular";
      this.s.saveData = !!connection?.saveData;
      this.s.hidden = !!page?.hidden;
      this.settle();
    };
    this.last = decide(options, this.s);
    this.listen(connection, "change", look);
    this.listen(page, "visibilitychange", look);
    look();
    void this.ask(options.consent);
    battery?.().then(
      (b) => {
        if (this.closed) return;
        const check = () => {
          this.s.battery = b.charging ? 1 : b.level;
          this.settle();
        };
        this.listen(b, "levelchange", check);
        this.listen(b, "chargingchange", check);
        check();
      },
      () => {}, // forbidden: as if it were full
    );
  }

  /** As of now. */
  limits(): Limits {
    return this.last;
  }

  /** Bytes of memory for segments: the page's wish, or less on a phone. */
  memory(): number {
    return this.s.mobile && this.o.memory == defaults.memory ? mobileMemory : this.o.memory;
  }

  /** Calls listener with each change; the function returned ends that. */
  on(listener: (limits: Limits) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Signalling's welcome brought the operator's settings. */
  welcome(operator: Record<string, string>): void {
    this.s.operator = operator;
    this.settle();
  }

  /** Signalling told how many viewers the swarm has. */
  viewers(count: number): void {
    this.s.viewers = count;
    this.settle();
  }

  /** Bytes went out to peers. */
  sent(bytes: number): void {
    this.s.sent = this.budget.add(bytes);
    this.settle();
  }

  close(): void {
    this.closed = true;
    this.budget.flush();
    this.listeners.clear();
    for (const end of this.undo) end();
  }

  private async ask(consent: Settings["consent"]): Promise<void> {
    if (typeof consent == "boolean") return;
    let answer = false;
    try {
      answer = (await (typeof consent == "function" ? consent() : consent)) === true;
    } catch {
      // No answer is no consent.
    }
    this.s.consent = answer;
    this.settle();
  }

  private listen(target: EventTarget | undefined, event: string, listener: () => void): void {
    target?.addEventListener?.(event, listener);
    this.undo.push(() => target?.removeEventListener?.(event, listener));
  }

  private settle(): void {
    const next = decide(this.o, this.s);
    const before = this.last;
    if (this.closed || (Object.keys(next) as (keyof Limits)[]).every((k) => next[k] === before[k])) return;
    this.last = next;
    for (const listener of [...this.listeners]) listener(next);
  }
}

/** This browser's lot: drawn once and kept, so that it stays in or out of a roll-out. */
function draw(around: Surroundings): number {
  try {
    const kept = Number(around.storage?.getItem(drawKey) ?? NaN);
    if (kept >= 0 && kept < 1) return kept;
    const lot = around.random();
    around.storage?.setItem(drawKey, String(lot));
    return lot;
  } catch {
    return around.random();
  }
}
