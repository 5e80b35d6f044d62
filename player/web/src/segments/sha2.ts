// SHA-256 and SHA-224 (FIPS 180-4) in place: WebCrypto has no SHA-224, which digests
// are, and on pages without TLS nothing at all. Pieces are hashed by WebCrypto wherever
// there is one. @noble/hashes, which the tests hold this to, would be 1.5 KB more after
// brotli, on the page and again in the worker.

const primes: number[] = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);

/** The first 32 bits of a number's fraction, as an integer. */
const fraction = (x: number) => ((x - Math.floor(x)) * 2 ** 32) | 0;

/** Cube roots of the first 64 primes (§4.2.2), square roots of the first 8 (§5.3.3). */
const K = Int32Array.from(primes, (p) => fraction(Math.cbrt(p)));
const start256 = primes.slice(0, 8).map((p) => fraction(Math.sqrt(p)));
/** The second 32 bits of the roots of the 9th to 16th prime (§5.3.2): more than a float holds. */
const start224 = [0xc1059ed8, 0x367cd507, 0x3070dd17, 0xf70e5939, 0xffc00b31, 0x68581511, 0x64f98fa7, 0xbefa4fa4];

const w = new Int32Array(64);
const rotate = (x: number, n: number) => (x >>> n) | (x << (32 - n));

/** Takes in one block of 64 bytes. */
function block(h: Int32Array, view: DataView, at: number): void {
  for (let i = 0; i < 64; i++) {
    if (i < 16) w[i] = view.getInt32(at + 4 * i);
    else {
      const a = w[i - 15]!;
      const b = w[i - 2]!;
      const s0 = rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3);
      const s1 = rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10);
      w[i] = (w[i - 16]! + s0 + w[i - 7]! + s1) | 0;
    }
  }
  let a = h[0]!, b = h[1]!, c = h[2]!, d = h[3]!, e = h[4]!, f = h[5]!, g = h[6]!, z = h[7]!;
  for (let i = 0; i < 64; i++) {
    const t1 = (z + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + K[i]! + w[i]!) | 0;
    const t2 = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    z = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  [a, b, c, d, e, f, g, z].forEach((x, i) => (h[i]! += x));
}

function sha2(start: number[], words: number, message: Uint8Array): Uint8Array {
  const { length } = message;
  const h = Int32Array.from(start);
  const whole = length & ~63;
  const view = new DataView(message.buffer, message.byteOffset, length);
  for (let at = 0; at < whole; at += 64) block(h, view, at);
  // The rest, a one bit, zeros, and the length in bits (§5.1.1).
  const end = new Uint8Array(length - whole < 56 ? 64 : 128);
  end.set(message.subarray(whole));
  end[length - whole] = 0x80;
  const last = new DataView(end.buffer);
  last.setBigUint64(end.length - 8, BigInt(length) * 8n);
  for (let at = 0; at < end.length; at += 64) block(h, last, at);
  const out = new Uint8Array(4 * words);
  for (let i = 0; i < words; i++) new DataView(out.buffer).setInt32(4 * i, h[i]!);
  return out;
}

export const sha256 = (message: Uint8Array): Uint8Array => sha2(start256, 8, message);
export const sha224 = (message: Uint8Array): Uint8Array => sha2(start224, 7, message);
