import { expect, test } from "vitest";
import { seeded } from "./random.ts";

// As Go 1.26 prints rand.New(rand.NewPCG(seed, fnv64a(id))).Float64() three times.
test.each([
  [1n, "a", 0.8575486790071776, 0.7782304956677166, 0.6227885919112504],
  [0n, "me", 0.7281224643712851, 0.30901699659515325, 0.10637117406937335],
  [18446744073709551615n, "00ff00ff00ff00ff", 0.6427186077005346, 0.5399626390128697, 0.007731260513027749],
])("seed %s, %s", (seed, id, ...numbers) => {
  const random = seeded(seed, id);
  expect(numbers.map(random)).toEqual(numbers);
});
