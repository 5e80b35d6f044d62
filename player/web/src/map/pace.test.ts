import { expect, test } from "vitest";
import { Pace, type Frames } from "./pace.ts";

/** A page whose frames take as long as the pace's detail asks for. */
class Page implements Frames {
  at = 0;
  draws: number[] = [];
  pace = new Pace(() => this.draws.push(this.at), this);
  #callbacks: ((now: number) => void)[] = [];
  constructor(public cost: (detail: number) => number) {}
  now(): number {
    return this.at;
  }
  request(callback: (now: number) => void): void {
    this.#callbacks.push(callback);
  }
  frame(): void {
    this.at += Math.max(16, this.cost(this.pace.detail));
    for (const callback of this.#callbacks.splice(0)) callback(this.at);
  }
}

test("data that comes faster than it can be drawn takes half of the time", () => {
  const page = new Page(() => 200);
  while (page.at < 60_000) {
    page.pace.want();
    page.frame();
  }
  expect(page.draws.length).toBeGreaterThan(30);
  expect(page.draws.length).toBeLessThan(60_000 / 200 / 3);
});

test("a quick machine draws at once, and what came last is drawn", () => {
  const page = new Page(() => 16);
  page.pace.want();
  expect(page.draws).toEqual([0]);
  page.pace.want();
  for (let i = 0; i < 10; i++) page.frame();
  expect(page.draws).toHaveLength(2);
  for (let i = 0; i < 10; i++) page.frame();
  expect(page.draws).toHaveLength(2);
});

test("a slow machine shows less while the picture moves, and all when it rests", () => {
  const page = new Page((detail) => 20 + 300 * detail);
  page.pace.move(true);
  for (let i = 0; i < 30; i++) {
    page.frame();
    page.pace.moved();
  }
  expect(page.cost(page.pace.detail)).toBeLessThan(65);
  const suited = page.pace.detail;
  page.pace.move(false);
  expect(page.pace.detail).toBe(1);
  page.pace.move(true);
  expect(page.pace.detail).toBeCloseTo(suited, 1); // it is remembered
});

test("a quick machine shows all while the picture moves", () => {
  const page = new Page(() => 16);
  page.pace.move(true);
  for (let i = 0; i < 30; i++) {
    page.frame();
    page.pace.moved();
  }
  expect(page.pace.detail).toBe(1);
});

test("there is always something to be seen", () => {
  const page = new Page(() => 400);
  page.pace.move(true);
  for (let i = 0; i < 100; i++) {
    page.frame();
    page.pace.moved();
  }
  expect(page.pace.detail).toBeGreaterThanOrEqual(0.1);
});
