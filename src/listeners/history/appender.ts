import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** Puts text at the end of a file, making both when they are not there; throws when it cannot. */
export type Append = (path: string, text: string) => void;

/** Appends to the disk; each folder is made once. */
export function createAppender(): Append {
  const made = new Set<string>();
  return (path, text) => {
    const folder = dirname(path);
    if (!made.has(folder)) mkdirSync(folder, { recursive: true });
    made.add(folder);
    appendFileSync(path, text);
  };
}
