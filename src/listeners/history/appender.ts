import { appendFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolder } from '../../io/files.ts';

/** Puts text at the end of a file, making both when they are not there; throws when it cannot. */
export type Append = (path: string, text: string) => void;

/** Appends to the disk; each folder is made once. */
export function createAppender(): Append {
  const made = new Set<string>();
  return (path, text) => {
    const folder = dirname(path);
    if (!made.has(folder)) makeFolder(folder);
    made.add(folder);
    appendFileSync(path, text);
  };
}
