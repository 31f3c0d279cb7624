// A proof of work: counts up to the first number whose hash, with the prefix before it, begins with enough zero bits.
// SHA-256 as FIPS 180-4 has it; the browser's own cannot be asked half a million times a second.
'use strict';

const primes = [];
for (let n = 2; primes.length < 64; n += 1) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
const fraction = (x) => ((x - Math.floor(x)) * 0x100000000) | 0;
const rounds = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)));
const start = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));

const w = new Int32Array(64);

// The first 32 bits of the hash of a text of up to 55 bytes, which lie in `block`, padded.
function head(block) {
  w.set(block);
  for (let i = 16; i < 64; i += 1) {
    const a = w[i - 15];
    const b = w[i - 2];
    const s0 = (a >>> 7 | a << 25) ^ (a >>> 18 | a << 14) ^ a >>> 3;
    const s1 = (b >>> 17 | b << 15) ^ (b >>> 19 | b << 13) ^ b >>> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  let [a, b, c, d, e, f, g, h] = start;
  for (let i = 0; i < 64; i += 1) {
    const s1 = (e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7);
    const t1 = h + s1 + (e & f ^ ~e & g) + rounds[i] + w[i] | 0;
    const s0 = (a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10);
    const t2 = s0 + (a & b ^ a & c ^ b & c) | 0;
    h = g; g = f; f = e; e = d + t1 | 0; d = c; c = b; b = a; a = t1 + t2 | 0;
  }
  return start[0] + a >>> 0;
}

self.addEventListener('message', ({ data: { prefix, bits } }) => {
  const bytes = new Uint8Array(64);
  const view = new DataView(bytes.buffer);
  const block = new Int32Array(16);
  for (let i = 0; i < prefix.length; i += 1) bytes[i] = prefix.charCodeAt(i);
  for (let number = 0; ; number += 1) {
    const digits = String(number);
    for (let i = 0; i < digits.length; i += 1) bytes[prefix.length + i] = digits.charCodeAt(i);
    const length = prefix.length + digits.length;
    bytes[length] = 0x80;
    view.setUint32(60, length * 8);
    for (let i = 0; i < 16; i += 1) block[i] = view.getInt32(i * 4);
    if (Math.clz32(head(block)) >= bits) return self.postMessage(digits);
  }
});
