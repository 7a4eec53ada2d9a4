import { lstatSync } from 'node:fs';
import type { PipelineError, Problem } from '../base/error.ts';
import { algorithmOf, createRunningHash, isTreeHash, objectPath, withoutDir } from '../base/hash.ts';
import type { Remote } from '../base/remote.ts';
import { plural, shellPath } from '../base/text.ts';
import type { Artifact, ContentHash } from '../base/types.ts';
import { readTree } from '../execute/facts.ts';
import type { OpenProject } from '../execute/open-project.ts';
import type { Verified } from '../execute/verify.ts';
import { isLaterEntry, parseEntryAt } from '../record/runs.ts';
import type { TreeEntry } from '../store/tree.ts';
import { runPool } from './pool.ts';
import { readSource } from './read-source.ts';
import { corruptEntry, listEntries, readEntry } from './remote-entries.ts';
import { readTreeThere } from './remote-tree.ts';
import { concernsOneObject, findPresent } from './transfer-plan.ts';

export interface VerifyRemoteOptions extends Pick<OpenProject, 'folder' | 'cache' | 'signal'> {
  readonly remote: Remote;
  readonly name: string;
  readonly artifacts: readonly Artifact[];
  /** Past results too, where data is read. */
  readonly whole: boolean;
  /** Every object is downloaded and hashed; none is kept. */
  readonly readData: boolean;
}

/**
 * Holds what is recorded against a remote: every object is there and has the size it should have. Manifests that the
 * cache lacks are read from the remote. Nothing is changed, neither there nor here.
 */
export async function verifyRemote(options: VerifyRemoteOptions): Promise<Verified> {
  const { folder, cache, remote, name, artifacts, readData, signal } = options;
  const problems: Problem[] = [];
  const faults = new Map<ContentHash, string>();
  const entries = await readManifests(options, faults);
  const wanted = new Set(artifacts.flatMap(({ hash }) => [hash, ...(entries.get(hash) ?? [])]));
  const present = await findPresent(remote, wanted, signal);
  const owners = ownersOf(artifacts, entries);
  const sizes = new Map(artifacts.flatMap((one) => (one.kind === 'file' ? [[one.hash, one.size]] : [])));
  for (const hash of wanted) {
    const there = present.get(hash);
    const size = lstatSync(cache.pathOf(hash), { throwIfNoEntry: false })?.size ?? sizes.get(hash);
    if (there !== undefined && size !== undefined && there !== size)
      faults.set(hash, `has ${plural(there, 'byte')} there instead of ${size}`);
  }
  if (readData) {
    const readable = [...wanted].filter((hash) => present.has(hash) && !faults.has(hash));
    await runPool(readable, remote.limits.concurrency, async (hash) => {
      if (isTreeHash(hash) && entries.has(hash)) return;
      const fault = await faultOf(remote, hash, signal);
      if (fault !== undefined) faults.set(hash, fault);
    });
  }
  for (const artifact of artifacts) {
    const files = entries.get(artifact.hash) ?? [];
    // NaN when one is not there, which is told below.
    const size = files.reduce((sum, file) => sum + (present.get(file) ?? NaN), 0);
    const isTold = Number.isNaN(size) || files.some((file) => faults.has(file));
    if (entries.has(artifact.hash) && size !== artifact.size && !isTold)
      problems.push({
        code: 'remote.corrupt',
        message: `the files of "${artifact.path}" have ${plural(size, 'byte')} there instead of ${artifact.size} (remote "${name}")`,
        hint: `run "lockstep push ${shellPath(artifact.path, folder)} --remote ${name}" on a machine that has it`,
      });
    const own = [...new Set([artifact.hash, ...files])];
    const lost = own.filter((hash) => !present.has(hash) && !faults.has(hash)).length;
    if (lost > 0)
      problems.push({
        code: 'remote.lacks',
        message: `the remote "${name}" lacks ${artifact.kind === 'file' ? 'the bytes' : `${lost} of the ${plural(own.length, 'object')}`} of "${artifact.path}"`,
        hint: `run "lockstep push ${shellPath(artifact.path, folder)} --remote ${name}" on a machine that has it`,
      });
  }
  for (const [hash, fault] of faults)
    problems.push({
      code: 'remote.corrupt',
      message: `the object "${objectPath(hash)}" of "${owners.get(hash) ?? 'an artifact'}" ${fault} (remote "${name}")`,
      hint: `delete it there, then run "lockstep push --remote ${name}" on a machine that has it`,
    });
  return {
    artifacts: artifacts.length,
    objects: wanted.size,
    size: [...present.values()].reduce((sum, size) => sum + size, 0),
    results: options.whole && readData ? await checkEntries(options, problems) : 0,
    problems,
  };
}

/** Checks that the remote's run-cache entries are what their names say. Returns how many there are. */
async function checkEntries(
  { remote, name, signal }: VerifyRemoteOptions,
  problems: Problem[],
): Promise<number> {
  const keys = remote.limits.listless ? [] : await listEntries(remote, signal);
  let count = 0;
  await runPool(keys, remote.limits.concurrency, async (key) => {
    try {
      const bytes = await readEntry(remote, key, signal);
      if (isLaterEntry(bytes)) return;
      count++;
      if (!parseEntryAt(key, bytes)) problems.push(corruptEntry(key, name));
    } catch (error) {
      // One that has gone since it was listed is nobody's loss.
      if (!concernsOneObject(error) || signal.aborted) throw error;
    }
  });
  return count;
}

/** The files of each folder: by the remote's own manifest when data is read, else by the cache's where it has one. */
async function readManifests(
  { cache, remote, artifacts, readData, signal }: VerifyRemoteOptions,
  faults: Map<ContentHash, string>,
): Promise<ReadonlyMap<ContentHash, readonly ContentHash[]>> {
  const found = new Map<ContentHash, readonly ContentHash[]>();
  const trees = [...new Set(artifacts.filter(({ kind }) => kind === 'tree').map(({ hash }) => hash))];
  await runPool(trees, remote.limits.concurrency, async (hash) => {
    const own = readTree(cache, hash);
    if (own) found.set(hash, hashesOf(own));
    if (own && !readData) return;
    try {
      found.set(hash, hashesOf(await readTreeThere(hash, remote, signal)));
    } catch (error) {
      if (!concernsOneObject(error) || signal.aborted) throw error;
      // That it is not there at all is told with the other objects that are not.
      if (error.code !== 'remote.object-missing') faults.set(hash, faultIn(error));
    }
  });
  return found;
}

function hashesOf(entries: readonly TreeEntry[]): readonly ContentHash[] {
  return entries.map(({ hash }) => hash);
}

/** Reads an object to its end and says what is wrong with it. */
async function faultOf(remote: Remote, hash: ContentHash, signal: AbortSignal): Promise<string | undefined> {
  try {
    const running = createRunningHash(algorithmOf(hash));
    for await (const chunk of readSource(await remote.get(objectPath(hash), signal), signal))
      running.update(chunk);
    const real = running.end();
    return real === withoutDir(hash) ? undefined : `has bytes there that hash to ${real}`;
  } catch (error) {
    if (!concernsOneObject(error) || signal.aborted) throw error;
    return faultIn(error);
  }
}

/** What an error says of the object that it concerns. */
function faultIn({ code, message }: PipelineError): string {
  if (code === 'remote.object-missing') return 'is not there';
  return code === 'remote.corrupt' ? 'has other bytes there than its name says' : `is refused: ${message}`;
}

function ownersOf(
  artifacts: readonly Artifact[],
  entries: ReadonlyMap<ContentHash, readonly ContentHash[]>,
): ReadonlyMap<ContentHash, string> {
  const owners = new Map<ContentHash, string>();
  for (const { hash, path } of artifacts)
    for (const one of [hash, ...(entries.get(hash) ?? [])]) if (!owners.has(one)) owners.set(one, path);
  return owners;
}
