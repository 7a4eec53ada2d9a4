import fs, { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { hashBytes } from '../../src/base/hash.ts';
import type { Artifact, ContentHash, RelPath } from '../../src/base/types.ts';
import type { Cache } from '../../src/store/cache.ts';
import type { Checked } from '../../src/store/check-objects.ts';
import { ingest, ingestTree } from '../../src/store/ingest.ts';
import type { TreeEntry } from '../../src/store/tree.ts';
import { tempFolder } from '../record/rig.ts';
import { openCache } from './open-cache.ts';

export interface Home {
  readonly root: string;
  readonly cache: Cache;
  readonly corrupt: readonly ContentHash[];
  /** Writes a file and lets it into the cache. */
  readonly put: (name: string, text: string, sharing?: 'share' | 'own') => Promise<Artifact>;
  /** Lets the folder of these files into the cache, which has their objects. */
  readonly putTree: (entries: readonly TreeEntry[]) => Artifact;
}

/** A project whose cache is empty. `aheadMs`: by how much its clock runs before that of the file system. */
export function home(aheadMs = 0): Home {
  const root = tempFolder();
  const corrupt: ContentHash[] = [];
  const cache = openCache(root, { onCorrupt: (hash) => void corrupt.push(hash), aheadMs });
  mkdirSync(join(root, '.lockstep'), { recursive: true });
  return {
    root,
    cache,
    corrupt,
    async put(name, text, sharing = 'share') {
      const path = join(root, name);
      writeFileSync(path, text);
      const hash = hashBytes('sha256', text);
      await ingest(cache, [{ path, hash, size: text.length, sharing }]);
      return { path: name as RelPath, hash, kind: 'file', size: text.length };
    },
    putTree: (entries) => ({
      path: 'out' as RelPath,
      hash: ingestTree(cache, entries, 'sha256'),
      kind: 'tree',
      size: 0,
      files: entries.length,
    }),
  };
}

/** Of a check, what is wrong. */
export function faultsIn({ missing, corrupt }: Checked): Record<string, readonly ContentHash[]> {
  return { missing: [...missing], corrupt: [...corrupt] };
}

/** What has not become an object. */
export function tempsIn(root: string): readonly string[] {
  const names = readdirSync(join(root, '.lockstep/files'), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.tmp'));
}

/** Makes `link` do something else, until it is restored or the test ends. */
export function replaceLink(t: TestContext, act: typeof fs.linkSync): { readonly restore: () => void } {
  const linking = t.mock.method(fs, 'linkSync', act);
  syncBuiltinESMExports();
  const restore = (): void => {
    linking.mock.restore();
    syncBuiltinESMExports();
  };
  t.after(restore);
  return { restore };
}

/** As where an inode has as many names as the file system allows, or another owner. */
export function refuseLinks(t: TestContext, code = 'EMLINK'): { readonly restore: () => void } {
  return replaceLink(t, () => {
    throw Object.assign(new Error(`${code}: injected`), { code, syscall: 'link' });
  });
}
