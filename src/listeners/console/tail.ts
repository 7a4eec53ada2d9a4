/** Keeps the end of a text that is given in blocks of lines. */
export interface Tail {
  add(lines: string): void;
  /** The last lines, oldest first, at most `count`. */
  last(count: number): readonly string[];
}

/** Remembers about `size` characters and lets older blocks go, so that a chatty stage costs no memory. */
export function createTail(size: number = 16 * 1024): Tail {
  // Two halves, the older one dropped whole: nothing is moved when a line is added.
  let older: string[] = [];
  let newer: string[] = [];
  let held = 0;
  return {
    add(lines) {
      if (held >= size) {
        older = newer;
        newer = [];
        held = 0;
      }
      newer.push(lines.length > size ? lines.slice(-size) : lines);
      held += Math.min(lines.length, size) + 1;
    },
    last(count) {
      const blocks = [...older, ...newer];
      return blocks.length === 0 ? [] : blocks.join('\n').split('\n').slice(-count);
    },
  };
}
