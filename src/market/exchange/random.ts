/** A stream of numbers that is the same on every machine: integers and `+ − ×` only. */
export interface Random {
  /** 32 random bits as an unsigned integer. */
  nextUint32(): number;
  /** Uniform in [0, 1), a multiple of 2⁻³². */
  uniform(): number;
  /** Roughly standard normal, within ±6: the sum of twelve uniforms minus six, exact where a logarithm would not be. */
  normal(): number;
  /** Uniform integer in [0, below). */
  below(below: number): number;
}

/** FNV-1a, 32 bits, over the UTF-8 bytes of a text. Source: Fowler, Noll, Vo; draft-eastlake-fnv. */
export function hashFnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

function rotateLeft(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by));
}

/** xoshiro128** from its four words of state, not all zero. Source: Blackman, Vigna, prng.di.unimi.it/xoshiro128starstar.c */
export function createXoshiro(state: readonly [number, number, number, number]): Random {
  let [a, b, c, d] = state;
  const nextUint32 = (): number => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    return result;
  };
  const uniform = (): number => nextUint32() / 4_294_967_296;
  return {
    nextUint32,
    uniform,
    normal() {
      let sum = -6;
      for (let draw = 0; draw < 12; draw += 1) sum += uniform();
      return sum;
    },
    below: (below) => Math.floor(uniform() * below),
  };
}

/** The stream that belongs to a key such as `seed|symbol`; streams of different keys do not depend on each other. */
export function createRandom(key: string): Random {
  return createXoshiro([
    hashFnv1a(`${key}|0`),
    hashFnv1a(`${key}|1`),
    hashFnv1a(`${key}|2`),
    hashFnv1a(`${key}|3`),
  ]);
}
