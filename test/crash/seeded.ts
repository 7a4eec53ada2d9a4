/** A stream of numbers that a seed repeats. */
export interface Seeded {
  readonly seed: number;
  /** A whole number from 0 to `below` - 1. */
  below(below: number): number;
  pick<T>(items: readonly T[]): T;
  /** So many of the items, in their order; all when there are no more. */
  sample<T>(items: readonly T[], count: number): readonly T[];
}

/** mulberry32 (Tommy Ettinger): 32 bits of state, good enough to choose what to try. */
export function createSeeded(seed: number): Seeded {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    seed,
    below,
    pick<T>(items: readonly T[]): T {
      const item = items[below(items.length)];
      if (item === undefined) throw new Error('nothing to pick from');
      return item;
    },
    sample<T>(items: readonly T[], count: number): readonly T[] {
      const left = [...items.keys()];
      while (left.length > count) left.splice(below(left.length), 1);
      return left.map((index) => items[index] as T);
    },
  };
}

/** The seed of this run: `LOCKSTEP_SEED`, so that a failure can be repeated; else always the same one. */
export function seedOf(env: Readonly<Record<string, string | undefined>>): number {
  const text = env['LOCKSTEP_SEED'];
  return text === undefined || text === '' ? 20_260_317 : Number(text);
}

/** How many points are tried: `LOCKSTEP_CRASH` is `all` (`npm run test:crash`) or a number; else a small sample. */
export function sampleOf(
  env: Readonly<Record<string, string | undefined>>,
  usual: number,
): number | undefined {
  const text = env['LOCKSTEP_CRASH'];
  if (text === 'all') return undefined;
  return text === undefined || text === '' ? usual : Number(text);
}
