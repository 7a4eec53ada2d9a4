import { join } from 'node:path';
import { digestOf, hashBytes } from '../base/hash.ts';
import type { Clock } from '../io/clock.ts';
import { readIfExists, statIfExists } from '../io/files.ts';
import type { Memo } from './memo.ts';

/** The text files of a project (pipeline.yaml, params, lock), as they were when a command first asked for each. */
export interface ProjectFiles {
  /** `undefined` when there is no such file. */
  readonly load: (path: string) => Uint8Array | undefined;
  /** SHA-256; a file that looks as it did when it was hashed is not read. `null` when there is no such file. */
  hashOf(path: string): string | null;
}

export interface ProjectFilesOptions {
  readonly root: string;
  readonly memo: Memo;
  readonly clock: Clock;
}

/** Opens the text files below `root`; paths are relative to it. */
export function createProjectFiles({ root, memo, clock }: ProjectFilesOptions): ProjectFiles {
  const loaded = new Map<string, Buffer | undefined>();
  const hashes = new Map<string, string | null>();

  function load(path: string): Buffer | undefined {
    if (!loaded.has(path)) loaded.set(path, readIfExists(join(root, path)));
    return loaded.get(path);
  }

  function find(path: string): string | null {
    // What has been read counts, and may no longer be what is there.
    const full = join(root, path);
    const stat = loaded.has(path) ? undefined : statIfExists(full);
    const known = stat && memo.lookup(() => full, stat, 'sha256');
    if (known !== undefined) return digestOf(known);
    const seenAt = clock.now();
    const bytes = load(path);
    if (bytes === undefined) return null;
    const hash = hashBytes('sha256', bytes);
    if (stat) memo.remember(() => full, stat, hash, { seenAt, object: false });
    return digestOf(hash);
  }

  return {
    load,
    hashOf(path) {
      let hash = hashes.get(path);
      if (hash === undefined) hashes.set(path, (hash = find(path)));
      return hash;
    },
  };
}
