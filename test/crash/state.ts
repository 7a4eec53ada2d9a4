import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '../../src/base/hash.ts';
import type { Json } from '../../src/base/types.ts';
import { parseLock } from '../../src/record/lockfile.ts';
import { fromArtifact, fromStageLock } from '../../src/record/stage-lock.ts';
import { OUTS, textOf } from './project.ts';

/** What of a project must be the old or the new, never something else. */
export interface State {
  readonly lock: string;
  /** `stages.<name>` or `data.<path>` → its entry as canonical JSON. */
  readonly entries: ReadonlyMap<string, string>;
  /** Out → its kind, content and, of a folder, every file; `missing` when nothing is there. */
  readonly outs: ReadonlyMap<string, string>;
  /** Out → what its owner may do with each of its files; in the midst of a command some may be sealed, others not yet. */
  readonly rights: ReadonlyMap<string, string>;
  /** Names of objects and run-cache entries. */
  readonly cache: readonly string[];
  readonly remote: readonly string[];
}

/** Reads a project's state. Throws when its lock is not valid. */
export async function readState(root: string, outs: readonly string[] = OUTS): Promise<State> {
  const lock = textOf(join(root, 'pipeline.lock'));
  return {
    lock,
    entries: await entriesOf(lock),
    outs: new Map(outs.map((out) => [out, contentOf(join(root, out))])),
    rights: new Map(outs.map((out) => [out, rightsOf(join(root, out))])),
    cache: [...filesBelow(join(root, '.lockstep'), 'files'), ...filesBelow(join(root, '.lockstep'), 'runs')],
    remote: filesBelow(join(root, 'remote')),
  };
}

async function entriesOf(text: string): Promise<ReadonlyMap<string, string>> {
  const entries = new Map<string, string>();
  if (text === '') return entries;
  const lock = await parseLock(text);
  const add = (key: string, value: Json): void => void entries.set(key, canonicalJson(value));
  for (const [name, result] of lock.stages) add(`stages.${name}`, fromStageLock(result));
  for (const artifact of lock.data) add(`data.${artifact.path}`, fromArtifact(artifact));
  return entries;
}

/** What is at a path, as a text that is equal only for equal content; `rightsOf` tells of modes. */
export function contentOf(path: string): string {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return 'missing';
  if (!stat.isDirectory()) return `file ${readFileSync(path, 'base64')}`;
  const files = filesBelow(path).map((name) => `${name}=${readFileSync(join(path, name), 'base64')}`);
  return `folder ${files.join(' ')}`;
}

/** Of a file, or of each file of a folder, whether its owner may write to it and run it. */
function rightsOf(path: string): string {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return '';
  if (!stat.isDirectory()) return `${stat.mode & 0o200 ? 'w' : '-'}${stat.mode & 0o100 ? 'x' : '-'}`;
  return filesBelow(path)
    .map((name) => `${name}=${rightsOf(join(path, name))}`)
    .join(' ');
}

/** Every file below a folder, as sorted relative paths; none when there is no folder. Links are not followed. */
export function filesBelow(root: string, below = ''): readonly string[] {
  const found: string[] = [];
  const folders = [below];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    if (!lstatSync(join(root, folder), { throwIfNoEntry: false })?.isDirectory()) continue;
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) folders.push(path);
      else found.push(path);
    }
  }
  return found.sort();
}

/** True of a temp file, and of what waits in a temp folder. */
export function isTemp(name: string): boolean {
  return /\.tmp(\/|$)/.test(name);
}

/** Objects of a cache or remote whose bytes are not what their names say. */
export function wrongObjects(store: string): readonly string[] {
  return filesBelow(store, 'files').filter((name) => {
    const [, algorithm, folder = '', file = ''] = name.split('/');
    // A temp file has no name of an object yet.
    if (isTemp(name)) return false;
    const hash = createHash(algorithm === 'md5' ? 'md5' : 'sha256')
      .update(readFileSync(join(store, name)))
      .digest('hex');
    return hash !== `${folder}${file}`.replace(/\.dir$/, '');
  });
}

/**
 * What the engine keeps for one attempt, one write or one lock only. A remote's `.incoming` is none of it: another
 * machine may be writing there, so its temp files stay for a day.
 */
export function leftovers(root: string): readonly string[] {
  const kept = ['.lockstep/staging', '.lockstep/attempts'].flatMap((folder) =>
    existsSync(join(root, folder)) ? readdirSync(join(root, folder)).map((name) => `${folder}/${name}`) : [],
  );
  const others = filesBelow(root).filter(
    (name) =>
      (isTemp(name) && !name.startsWith('remote/.incoming/')) ||
      /(^|\/)\.lockstep-[^/]*\//.test(name) ||
      /^\.lockstep\/[^/]*\.mutex\.d\//.test(name),
  );
  return [...new Set([...kept, ...others])];
}
