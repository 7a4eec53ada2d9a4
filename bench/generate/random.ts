/** A seeded stream of random 32-bit numbers: the same seed gives the same numbers on every machine. */
export interface Random {
  /** An unsigned 32-bit integer. */
  next(): number;
  /** An integer from 0 up to, not including, the bound. */
  below(bound: number): number;
  /** Fills an array whose length is a multiple of 4. */
  scatter(bytes: Uint8Array): void;
}

/** Creates an sfc32 generator (Chris Doty-Humphrey, PractRand), seeded as PractRand does: counter 1, 12 rounds mixed in. */
export function createRandom(seed: number): Random {
  let a = 0;
  let b = seed >>> 0;
  let c = 0;
  let counter = 1;
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 12; round++) next();
  return {
    next,
    below: (bound) => Math.floor((next() / 2 ** 32) * bound),
    scatter(bytes) {
      const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
      for (let index = 0; index < words.length; index++) words[index] = next();
    },
  };
}
