import { join } from 'node:path';
import type { ContentHash } from '../../src/base/types.ts';
import { createClock } from '../../src/io/clock.ts';
import { createCache } from '../../src/store/cache.ts';
import type { Cache } from '../../src/store/cache.ts';
import { createMemo } from '../../src/store/memo.ts';

interface Opening {
  readonly onCorrupt?: (hash: ContentHash) => void;
  /** By how much its clock runs before that of the file system. */
  readonly aheadMs?: number;
}

/** The cache of a project in a folder. */
export function openCache(root: string, { onCorrupt = () => {}, aheadMs = 0 }: Opening = {}): Cache {
  const clock = { ...createClock(), now: () => Date.now() + aheadMs };
  const dir = join(root, '.lockstep');
  const memo = createMemo(join(dir, 'memo'), clock.now());
  return createCache({ dir, workspace: root, memo, clock, onCorrupt });
}
