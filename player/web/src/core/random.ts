// The seeded chance of the Go core: math/rand/v2's PCG (PCG-DXSM), number for number, so
// that a story with a seed goes the same way here and there. Viewers draw from
// Math.random and do not load this.

const mask64 = (1n << 64n) - 1n;
const mask128 = (1n << 128n) - 1n;

// https://github.com/imneme/pcg-cpp, pcg_random.hpp: the default 128-bit multiplier and
// increment, and the "cheap" multiplier of the DXSM output function.
const multiplier = 0x2360ed051fc65da44385df649fccf645n;
const increment = 0x5851f42d4c957f2d14057b7ef767814fn;
const cheap = 0xda942042e4dd58b5n;

/** Go's rand.New(rand.NewPCG(seed, FNV-1a of id)).Float64. */
export function seeded(seed: bigint, id: string): () => number {
  let state = ((seed & mask64) << 64n) | fnv64a(id);
  return () => {
    state = (state * multiplier + increment) & mask128;
    let high = state >> 64n;
    high ^= high >> 32n;
    high = (high * cheap) & mask64;
    high ^= high >> 48n;
    high *= state | 1n;
    return Number(high & ((1n << 53n) - 1n)) / 2 ** 53;
  };
}

/** FNV-1a of 64 bits over an ASCII string: Go's hash/fnv New64a. */
function fnv64a(s: string): bigint {
  let h = 0xcbf29ce484222325n;
  for (let i = 0; i < s.length; i++) h = ((h ^ BigInt(s.charCodeAt(i))) * 0x100000001b3n) & mask64;
  return h;
}
