/** Kernels stamp files in ticks of up to 10 ms. */
const TICK_MS = 20;
/** Some file systems keep whole seconds only (ext3, HFS+, many that are mounted over a network), or every other one (FAT). */
const SECONDS_MS = 2020;

/**
 * True when what last changed at one instant was left alone until another (both epoch ms), as far as its stamp tells: two
 * changes within a step of the clock that stamps look like one.
 */
export function wasQuiet(changedMs: number, untilMs: number): boolean {
  return changedMs + (changedMs % 1000 === 0 ? SECONDS_MS : TICK_MS) < untilMs;
}
