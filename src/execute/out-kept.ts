import { dirname } from 'node:path';
import type { Problem } from '../base/error.ts';
import { algorithmOf, digestOf } from '../base/hash.ts';
import { formatList, plural, shellPath, shellQuote } from '../base/text.ts';
import type { Artifact, ContentHash, Lock } from '../base/types.ts';
import type { Cache } from '../store/cache.ts';
import type { ObservedTree } from '../store/observe.ts';
import type { TreeEntry } from '../store/tree.ts';
import { hasArtifact } from './facts.ts';

/** More than these are counted. */
const MAX_NAMED = 3;

/**
 * The files of a folder whose bytes no cache holds; where all are held, those that the lock's folder of that path lacks or
 * has otherwise. Asked for before the folder is taken in.
 */
export function unsavedFiles(
  { artifact: { path }, entries }: ObservedTree,
  lock: Lock,
  cache: Cache,
): readonly TreeEntry[] {
  const lacking = cache.lacking(entries.map(({ hash }) => hash));
  if (lacking.size > 0) return entries.filter(({ hash }) => lacking.has(hash));
  const recorded = recordedFiles(path, lock, cache);
  return entries.filter(({ relpath, hash }) => recorded.get(relpath) !== hash);
}

function recordedFiles(path: string, lock: Lock, cache: Cache): ReadonlyMap<string, ContentHash> {
  const all = [...lock.data, ...lock.stages.values().flatMap(({ outs }) => outs)];
  const recorded = all.find((one) => one.path === path && one.kind === 'tree');
  if (!recorded || !hasArtifact(cache, recorded)) return new Map();
  return new Map(cache.readTree(recorded.hash).map(({ relpath, hash }) => [relpath, hash]));
}

/** What is told, for commands in `folder`, of content that is about to be replaced; `files`: those of a folder that nobody has. */
export function outKept(
  { path, hash, kind }: Artifact,
  files: readonly TreeEntry[],
  { cache, folder }: { readonly cache: Cache; readonly folder: string },
): Problem {
  const names = files.map(({ relpath }) => relpath);
  const what = kind === 'tree' ? `: ${formatList(names, ', ', MAX_NAMED)}` : '';
  const message = `"${path}" had content that was recorded nowhere${what}; it is kept in the cache as ${algorithmOf(hash)}:${digestOf(hash).slice(0, 8)}`;
  const until = 'until "lockstep gc --delete"';
  if (kind === 'file')
    return { code: 'out.kept', message, hint: `find it at ${cache.pathOf(hash)}, ${until}` };
  const commands = files.slice(0, MAX_NAMED).map(({ relpath, hash: object }) => {
    const file = `${path}/${relpath}`;
    const [to, above] = [file, dirname(file)].map((one) => shellPath(one, folder));
    const make = relpath.includes('/') ? `mkdir -p ${above} && ` : '';
    // cp would write into what stands there, which may be one inode with an object.
    return `"${make}rm -f ${to} && cp ${shellQuote(cache.pathOf(object))} ${to} && chmod u+w ${to}"`;
  });
  const rest = files.length - commands.length;
  const others =
    rest > 0 ? `; ${cache.pathOf(hash)} lists the other ${plural(rest, 'file')} with their hashes` : '';
  return {
    code: 'out.kept',
    message,
    hint: `bring ${files.length === 1 ? 'it' : 'them'} back with ${commands.join(', ')}${others}; ${until}`,
  };
}
