import { appendFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolder, statIfExists } from '../../io/files.ts';

/** Puts text at the end of a file, making both when they are not there; throws when it cannot. */
export type Append = (path: string, text: string) => void;

/** Appends to the disk below a folder; each one there is made once, and nothing where it has gone: its project was moved. */
export function createAppender(home: string): Append {
  const made = new Set<string>();
  return (path, text) => {
    const folder = dirname(path);
    if (!statIfExists(home)) return;
    if (!made.has(folder)) makeFolder(folder);
    made.add(folder);
    appendFileSync(path, text);
  };
}
