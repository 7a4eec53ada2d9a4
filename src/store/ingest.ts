import { linkSync, lstatSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EXIT, PipelineError, isSystemError } from '../base/error.ts';
import { inBatches } from '../base/batches.ts';
import { algorithmOf, folderKey, objectPath } from '../base/hash.ts';
import type { SizedObject } from '../base/remote.ts';
import type { ContentHash, HashAlgorithm } from '../base/types.ts';
import { copyFiles } from '../io/copy-files.ts';
import { makeFolder, readIfExists, writeFileAtomic } from '../io/files.ts';
import { flush, flushEach } from '../io/flush.ts';
import type { Cache } from './cache.ts';
import { copyHashed } from './copy-hashed.ts';
import type { Crew } from '../io/crew.ts';
import { DONE, WANTED } from '../io/file-block.ts';
import { hashFile, isUnwritten } from '../io/hash-file.ts';
import { nameTogether, placeIn, removeTempFolder } from '../io/incoming.ts';
import type { Unnamed } from '../io/incoming.ts';
import { OBJECT_MODE, objectMode, setMode } from '../io/modes.ts';
import type { FileLook, ReadyBytes } from '../io/hash-file.ts';
import { formatManifest, hashManifest } from './tree.ts';
import type { TreeEntry } from './tree.ts';

export interface IngestFile extends SizedObject {
  /** Absolute path. */
  readonly path: string;
  /** `share`: the file may become one inode with its object (read-only). `own`: it stays a file of its own. */
  readonly sharing: 'share' | 'own';
  /** What can become the object; absent, it is made now. A copy is used up. */
  readonly ready?: ReadyBytes;
}

/** From so many on threads link: what they save is worth their start. */
const MANY_LINKS = 8192;
/** So much goes to the disk at once: a flush in the midst of writing makes each new file wait for the disk. */
const BATCH = { objects: 20_000, bytes: 2 * 1024 * 1024 * 1024 };

/**
 * Puts files into the cache as objects and makes them durable, batch by batch: bytes are flushed before their names
 * appear, and the names before this resolves. Objects that are there already are made sure to hold what their names say.
 * Throws `out.changed` when a file's bytes are no longer what was hashed.
 */
export async function ingest(cache: Cache, files: readonly IngestFile[], crew?: Crew): Promise<void> {
  const hashes = new Set(files.map((file) => file.hash));
  const absent = new Set(cache.lacking(hashes));
  const { missing, corrupt } = await cache.check(hashes.difference(absent));
  for (const hash of [...missing, ...corrupt]) absent.add(hash);
  const ready: IngestFile[] = [];
  const unready: IngestFile[] = [];
  const twins: IngestFile[] = [];
  // The first of equal files becomes the object, of those that are ready if there is one.
  for (const file of [...files.filter((one) => one.ready), ...files.filter((one) => !one.ready)])
    if (!absent.delete(file.hash)) twins.push(file);
    else (file.ready ? ready : unready).push(file);
  // What is ready goes at once: its bytes are written, and one flush is cheaper than several.
  await ingestBatch(cache, ready, crew);
  for (const [, batch] of inBatches(unready, BATCH)) await ingestBatch(cache, batch, crew);
  if (cache.linker().type !== 'hardlink') return;
  for (const file of twins) if (file.sharing === 'share') shareWithObject(cache, file);
}

/** A file whose bytes can become an object. */
interface Entering extends ReadyBytes {
  readonly file: IngestFile;
}

async function ingestBatch(cache: Cache, files: readonly IngestFile[], crew?: Crew): Promise<void> {
  if (files.length === 0) return;
  const leadsTo = createReach(cache);
  // One that has another name or owner may be somebody's own, and is not made read-only.
  const canBecomeObject = ({ sharing, path }: IngestFile): boolean => {
    if (sharing === 'own' || !leadsTo(dirname(path))) return false;
    const { nlink, mode } = lstatSync(path);
    return nlink === 1 && setMode(path, objectMode(mode));
  };
  const entering: Entering[] = [];
  const toCopy: IngestFile[] = [];
  for (const file of files)
    if (file.ready) entering.push({ file, ...file.ready });
    else if (canBecomeObject(file)) entering.push(sealed(cache, file));
    else toCopy.push(file);
  const folder = toCopy.length > 0 ? cache.newTempFolder() : undefined;
  try {
    if (folder !== undefined) for await (const one of copyVerified(cache, toCopy, folder)) entering.push(one);
    await enterAll(cache, entering, crew);
  } finally {
    if (folder !== undefined) removeTempFolder(folder);
  }
}

/** Absolute path of the copy; `undefined` where the file itself is to become the object. */
function copyOf({ file, copiedTo }: Entering): string | undefined {
  return copiedTo === undefined ? undefined : placeIn(copiedTo, objectPath(file.hash));
}

/** True for folders to which hardlinks lead from the cache: an out may lie on another device, or below another mount. */
function createReach(cache: Cache): (folder: string) => boolean {
  const { type, device, sharesMount } = cache.linker();
  if (type !== 'hardlink') return () => false;
  const known = new Map<string, boolean>();
  return (folder) => {
    let reached = known.get(folder);
    if (reached === undefined)
      known.set(folder, (reached = statSync(folder).dev === device && sharesMount(folder)));
    return reached;
  };
}

/** The file itself, which is read-only: only now nobody new can open it for writing. */
function sealed(cache: Cache, file: IngestFile): Entering {
  const look = lstatSync(file.path);
  if (!isStill(cache, file, look)) throw outChanged(file.path);
  return { file, look };
}

/** True when a file still holds what was hashed: it looks so, or is hashed again. */
function isStill(cache: Cache, { path, hash }: IngestFile, look: FileLook): boolean {
  if (cache.memo.isAsHashed(() => path, look, hash)) return true;
  return hashFile(path, algorithmOf(hash), Buffer.allocUnsafe(1024 * 1024)) === hash;
}

/** Makes the bytes durable, gives them the names of objects, and makes these durable. */
async function enterAll(cache: Cache, entering: readonly Entering[], crew?: Crew): Promise<void> {
  const groups = Map.groupBy(entering, ({ file }) => folderKey(file.hash));
  const folderOf = (key: string): string => join(cache.dir, 'files', ...key.split(':'));
  const folders = new Set(groups.keys().map(folderOf));
  const makeFolders = (): void => {
    for (const folder of folders) makeFolder(folder);
  };
  // While the disk works.
  await Promise.all([
    flushEach(entering, (one) => copyOf(one) ?? one.file.path),
    Promise.resolve().then(makeFolders),
  ]);
  const seenAt = cache.clock.now();
  if (crew) await linkByThreads(cache, entering, crew);
  for (const [key, some] of groups) {
    const areNamed = nameTogether(copiesOf(cache, some));
    // It is the folder's own name that is new.
    if (areNamed) folders.add(dirname(folderOf(key)));
    for (const one of some) {
      const isEntered = areNamed || one.at?.block.stateOf(one.at.index) === DONE || enter(cache, one);
      // Link and rename have moved its ctime only, which does not count for an object.
      const { hash } = one.file;
      if (isEntered) cache.memo.remember(() => cache.pathOf(hash), one.look, hash, { seenAt, object: true });
    }
  }
  await flush([...folders]);
}

/** None where not all are copies. */
function copiesOf(cache: Cache, entering: readonly Entering[]): readonly Unnamed[] {
  const copies: Unnamed[] = [];
  for (const one of entering) {
    const temp = copyOf(one);
    if (temp === undefined) return [];
    copies.push({ temp, target: cache.pathOf(one.file.hash) });
  }
  return copies;
}

/** Has threads link what they made ready; why they could not link a file is for `enter` to find out. */
async function linkByThreads(cache: Cache, entering: readonly Entering[], crew: Crew): Promise<void> {
  const own = entering.flatMap(({ at }) => at ?? []);
  const [first] = entering;
  if (!first || own.length < MANY_LINKS) return;
  for (const { block, index } of own) block.setState(index, WANTED);
  const blocks = [...new Set(own.map((at) => at.block))];
  for (const block of blocks) block.rewind();
  const job = { kind: 'link', algorithm: algorithmOf(first.file.hash), cache: cache.dir } as const;
  await Promise.all(blocks.map((block) => crew.work(job, block)));
}

/**
 * False when another process has just put an object there, which nobody here has read. Throws `out.changed` for a file that
 * was written to while it waited.
 */
function enter(cache: Cache, one: Entering): boolean {
  const { file, look } = one;
  const object = cache.pathOf(file.hash);
  const copy = copyOf(one);
  if (copy !== undefined) {
    renameSync(copy, object);
    return true;
  }
  if (!isUnwritten(lstatSync(file.path), look)) throw outChanged(file.path);
  try {
    linkSync(file.path, object);
    return true;
  } catch (error) {
    if (!isSystemError(error, 'EEXIST')) throw error;
    return false;
  }
}

/**
 * Makes a file one inode with an object that is already there; left alone where others may read the object than the file, and
 * where the file system refuses. Throws `out.changed` for one that was written to meanwhile: what it holds now would be lost.
 */
function shareWithObject(cache: Cache, file: IngestFile): void {
  const object = cache.pathOf(file.hash);
  const look = lstatSync(file.path);
  const { ino, mode } = lstatSync(object);
  if (ino === look.ino || objectMode(mode) !== objectMode(look.mode)) return;
  if (!isStill(cache, file, look)) throw outChanged(file.path);
  // Never beside the file: left there by a crash, it would be part of the folder.
  const temp = cache.newTemp();
  try {
    linkSync(object, temp);
    renameSync(temp, file.path);
  } catch (error) {
    rmSync(temp, { force: true });
    // EACCES: its folder is another user's.
    if (!isSystemError(error, 'EMLINK', 'EXDEV', 'EPERM', 'EACCES')) throw error;
  }
}

/** Copies files into a temp folder of the cache, hashing what is written. */
async function* copyVerified(
  cache: Cache,
  files: readonly IngestFile[],
  folder: string,
): AsyncGenerator<Entering> {
  const looks = new Map<IngestFile, FileLook>();
  const targetOf = ({ hash }: IngestFile): string => placeIn(folder, objectPath(hash));
  if (cache.linker().type !== 'reflink') {
    await copyFiles(files, {
      rights: 'object',
      fileOf: ({ path }) => path,
      targetOf,
      copied(some) {
        for (const { of: file, look } of some) looks.set(file, look);
      },
    });
  }
  for (const file of files) {
    const look = looks.get(file) ?? (await copyOne(cache, file, targetOf(file)));
    yield { file, copiedTo: folder, look };
  }
}

async function copyOne(cache: Cache, file: IngestFile, copy: string): Promise<FileLook> {
  makeFolder(dirname(copy));
  const linker = cache.linker();
  const here = lstatSync(file.path);
  const isReflink = linker.type === 'reflink' && isStill(cache, file, here);
  if (isReflink && linker.link(file.path, copy)) {
    setMode(copy, objectMode(here.mode));
    return lstatSync(copy);
  }
  const mismatch = (): PipelineError => outChanged(file.path);
  return copyHashed(file.path, copy, { hash: file.hash, rights: 'object', mismatch });
}

function outChanged(path: string): PipelineError {
  return new PipelineError('out.changed', `"${path}" changed while it was being read`, {
    exit: EXIT.failed,
    hint: 'something else writes to it; stop that and try again',
  });
}

/** Puts the manifest of a directory with these files into the cache; see `ingestManifest`. */
export function ingestTree(
  cache: Cache,
  entries: readonly TreeEntry[],
  algorithm: HashAlgorithm,
): ContentHash {
  const manifest = formatManifest(entries, algorithm);
  const hash = hashManifest(manifest, algorithm);
  ingestManifest(cache, hash, manifest);
  return hash;
}

/** Puts a directory's manifest into the cache, durably, also over a damaged one; every file it names must be there already. */
export function ingestManifest(cache: Cache, hash: ContentHash, manifest: Uint8Array): void {
  const object = cache.pathOf(hash);
  const here = readIfExists(object);
  if (here?.equals(manifest) === true) return;
  if (here) cache.discard(hash);
  makeFolder(dirname(object));
  writeFileAtomic(object, manifest, { durable: true, mode: OBJECT_MODE, temp: cache.newTemp() });
}
