// The random source of the Go core: math/rand/v2's PCG (PCG-DXSM), number for number,
// so that a scenario with a seed goes the same way here and there. Drawn only when a
// fetch has failed and when an unsigned segment is whole, so BigInt is fast enough,
// and much shorter than 128-bit arithmetic in pieces of 32 bits.

const mask64 = (1n << 64n) - 1n;
const mask128 = (1n << 128n) - 1n;

// https://github.com/imneme/pcg-cpp, pcg_random.hpp: the default 128-bit multiplier and
// increment, and the "cheap" multiplier of the DXSM output function.
const multiplier = 0x2360ed051fc65da44385df649fccf645n;
const increment = 0x5851f42d4c957f2d14057b7ef767814fn;
const cheap = 0xda942042e4dd58b5n;

export class Random {
  private state: bigint;

  /** Go's rand.New(rand.NewPCG(high, low)). */
  constructor(high: bigint, low: bigint) {
    this.state = ((high & mask64) << 64n) | (low & mask64);
  }

  private uint64(): bigint {
    this.state = (this.state * multiplier + increment) & mask128;
    let high = this.state >> 64n;
    high ^= high >> 32n;
    high = (high * cheap) & mask64;
    high ^= high >> 48n;
    return (high * (this.state | 1n)) & mask64;
  }

  /** Evenly spread over 0 … n − 1: Go's Int64N and IntN. */
  below(n: number): number {
    const b = BigInt(n);
    if ((b & (b - 1n)) === 0n) return Number(this.uint64() & (b - 1n));
    const enough = ((1n << 64n) - b) % b;
    for (;;) {
      const product = this.uint64() * b;
      // the fraction is drawn again where it would favour small results
      if ((product & mask64) >= enough) return Number(product >> 64n);
    }
  }

  /** In [0, 1): Go's Float64. */
  float(): number {
    return Number(this.uint64() & ((1n << 53n) - 1n)) / 2 ** 53;
  }
}

/** FNV-1a of 64 bits over an ASCII string: Go's hash/fnv New64a. */
export function fnv64a(s: string): bigint {
  let h = 0xcbf29ce484222325n;
  for (let i = 0; i < s.length; i++) h = ((h ^ BigInt(s.charCodeAt(i))) * 0x100000001b3n) & mask64;
  return h;
}
