import { expect, test } from "vitest";
import { seeded } from "./random.ts";
import { Reason, type Timer, Timers } from "./timer.ts";

test("the first timer is the earliest, of equal ones the one made first", () => {
  const random = seeded(1n, "timers");
  const timers = new Timers();
  const all = Array.from({ length: 50 }, () => timers.add(Reason.Elect));
  const due = new Set<Timer>();
  for (let i = 0; i < 5000; i++) {
    const t = all[Math.trunc(random() * all.length)]!;
    if (random() < 0.3) {
      timers.clear(t);
      due.delete(t);
    } else {
      timers.set(t, Math.trunc(random() * 20), Reason.Stall);
      due.add(t);
    }
    expect(timers.first()).toBe([...due].sort((a, b) => a.at - b.at || a.order - b.order)[0]);
  }
});
