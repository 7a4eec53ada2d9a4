/** Keeps the end of a text that is given in blocks of lines. */
export interface Tail {
  add(lines: string): void;
  clear(): void;
  /** The last lines, oldest first, at most `count`. */
  last(count: number): readonly string[];
}

/** Remembers about `size` characters and lets older blocks go, so that a chatty stage costs no memory. */
export function createTail(size: number = 16 * 1024): Tail {
  let blocks: string[] = [];
  let held = 0;
  return {
    add(lines) {
      blocks.push(lines.length > size ? lines.slice(-size) : lines);
      held += Math.min(lines.length, size) + 1;
      let drop = 0;
      for (
        let first = blocks[drop];
        first !== undefined && held - first.length - 1 >= size;
        first = blocks[drop]
      ) {
        held -= first.length + 1;
        drop++;
      }
      if (drop > 0) blocks.splice(0, drop);
    },
    clear() {
      blocks = [];
      held = 0;
    },
    last: (count) => (blocks.length === 0 ? [] : blocks.join('\n').split('\n').slice(-count)),
  };
}
