import {
  chmodSync,
  closeSync,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { EXIT, PipelineError, isSystemError } from '../base/error.ts';
import { algorithmOf, createRunningHash } from '../base/hash.ts';
import type { ContentHash, HashAlgorithm } from '../base/types.ts';
import { tempName, writeFileAtomic } from '../io/files.ts';
import { flush } from '../io/flush.ts';
import type { Cache } from './cache.ts';
import { hashFile } from './hash-file.ts';
import { formatManifest, hashManifest } from './tree.ts';
import type { TreeEntry } from './tree.ts';

export interface IngestFile {
  /** Absolute path. */
  readonly path: string;
  readonly hash: ContentHash;
  readonly size: number;
  /** `share`: the file may become one inode with its object (read-only). `own`: it stays a file of its own. */
  readonly sharing: 'share' | 'own';
}

const BATCH_FILES = 2000;
const BATCH_BYTES = 256 * 1024 * 1024;

/**
 * Puts files into the cache as objects and makes them durable, batch by batch: bytes are flushed before their names
 * appear, and the names before this resolves. Throws `out.changed` when a file's bytes are no longer what was hashed.
 */
export async function ingest(cache: Cache, files: readonly IngestFile[]): Promise<void> {
  await cache.check(files.map((file) => file.hash).filter((hash) => cache.has(hash)));
  let batch: IngestFile[] = [];
  let bytes = 0;
  for (const file of files) {
    batch.push(file);
    bytes += file.size;
    if (batch.length >= BATCH_FILES || bytes >= BATCH_BYTES) {
      await ingestBatch(cache, batch);
      batch = [];
      bytes = 0;
    }
  }
  await ingestBatch(cache, batch);
}

interface Entering {
  readonly file: IngestFile;
  /** Where the bytes are now: the file itself, or a temp copy beside the object. */
  readonly from: string;
}

async function ingestBatch(cache: Cache, files: readonly IngestFile[]): Promise<void> {
  const device = cache.linker().type === 'hardlink' ? lstatSync(cache.dir).dev : undefined;
  // An out may lie on another device than the cache, where no link leads.
  const isShared = (file: IngestFile): boolean =>
    file.sharing === 'share' && device !== undefined && lstatSync(file.path).dev === device;
  const entering: Entering[] = [];
  const taken = new Set<ContentHash>();
  const twins: IngestFile[] = [];
  try {
    for (const file of files) {
      if (taken.has(file.hash) || cache.has(file.hash)) {
        if (isShared(file)) twins.push(file);
        continue;
      }
      taken.add(file.hash);
      mkdirSync(dirname(cache.pathOf(file.hash)), { recursive: true });
      if (isShared(file)) {
        chmodSync(file.path, 0o444);
        // Only now nobody new can open it for writing.
        if (!isStill(cache, file)) throw outChanged(file.path);
        entering.push({ file, from: file.path });
      } else entering.push({ file, from: copyVerified(cache, file) });
    }
    await flush(entering.map(({ from }) => from));
    const seenAt = cache.clock.now();
    for (const { file, from } of entering) enter(cache, { file, from }, seenAt);
    await flush([...new Set(entering.map(({ file }) => dirname(cache.pathOf(file.hash))))]);
  } catch (error) {
    for (const { file, from } of entering) if (from !== file.path) rmSync(from, { force: true });
    throw error;
  }
  for (const file of twins) shareWithObject(cache, file);
}

/** True when a file still holds what was hashed: it looks so, or is hashed again. */
function isStill(cache: Cache, { path, hash }: IngestFile): boolean {
  if (cache.memo.isAsHashed(lstatSync(path), hash)) return true;
  return hashFile(path, algorithmOf(hash), Buffer.allocUnsafe(1024 * 1024)) === hash;
}

function enter(cache: Cache, { file, from }: Entering, seenAt: number): void {
  const object = cache.pathOf(file.hash);
  if (from !== file.path) renameSync(from, object);
  else {
    try {
      linkSync(from, object);
    } catch (error) {
      // Another process has just put the same object there.
      if (!isSystemError(error, 'EEXIST')) throw error;
    }
  }
  cache.memo.remember(lstatSync(object), file.hash, { seenAt, object: true });
}

/** Makes a file one inode with an object that is already there; left alone when the file system refuses. */
function shareWithObject(cache: Cache, file: IngestFile): void {
  const object = cache.pathOf(file.hash);
  if (lstatSync(object).ino === lstatSync(file.path).ino) return;
  // Never beside the file: left there by a crash, it would be part of the folder.
  const temp = tempName(object);
  try {
    linkSync(object, temp);
    renameSync(temp, file.path);
  } catch (error) {
    rmSync(temp, { force: true });
    if (!isSystemError(error, 'EMLINK', 'EXDEV', 'EPERM')) throw error;
  }
}

/** Copies a file beside its object-to-be, hashing what is written; returns the temp's path. */
function copyVerified(cache: Cache, file: IngestFile): string {
  const temp = tempName(cache.pathOf(file.hash));
  if (cache.linker().type === 'reflink' && isStill(cache, file)) cache.linker().share(file.path, temp);
  else copyHashed(file.path, temp, { hash: file.hash, mismatch: () => outChanged(file.path) });
  chmodSync(temp, 0o444);
  return temp;
}

function outChanged(path: string): PipelineError {
  return new PipelineError('out.changed', `"${path}" changed while it was being read`, {
    exit: EXIT.failed,
    hint: 'something else writes to it; stop that and try again',
  });
}

export interface Expected {
  readonly hash: ContentHash;
  /** Made when the bytes are others. */
  readonly mismatch: () => PipelineError;
}

/** Copies bytes and throws unless they hash to what is expected, leaving nothing; the target must not exist. */
export function copyHashed(from: string, to: string, expected: Expected): void {
  const algorithm: HashAlgorithm = algorithmOf(expected.hash);
  const running = createRunningHash(algorithm);
  const source = openSync(from, 'r');
  try {
    const target = openSync(to, 'wx', 0o666);
    try {
      const buffer = Buffer.allocUnsafe(Math.min(1024 * 1024, Math.max(4096, fstatSync(source).size + 1)));
      for (let read = readSync(source, buffer); read > 0; read = readSync(source, buffer)) {
        const chunk = buffer.subarray(0, read);
        running.update(chunk);
        for (let written = 0; written < read;) written += writeSync(target, chunk, written);
      }
    } finally {
      closeSync(target);
    }
    if (running.end() !== expected.hash) throw expected.mismatch();
  } catch (error) {
    rmSync(to, { force: true });
    throw error;
  } finally {
    closeSync(source);
  }
}

/** Puts a directory's manifest into the cache, durably; every file it names must be there already. */
export function ingestTree(
  cache: Cache,
  entries: readonly TreeEntry[],
  algorithm: HashAlgorithm,
): ContentHash {
  const manifest = formatManifest(entries, algorithm);
  const hash = hashManifest(manifest, algorithm);
  if (!cache.has(hash)) writeFileAtomic(cache.pathOf(hash), manifest, { durable: true, mode: 0o444 });
  return hash;
}

/** The files of an observed tree as they enter the cache. */
export function treeFiles(
  folder: string,
  entries: readonly TreeEntry[],
  sharing: 'share' | 'own',
): readonly IngestFile[] {
  return entries.map((entry) => {
    const path = join(folder, entry.relpath);
    return { path, hash: entry.hash, size: lstatSync(path).size, sharing };
  });
}
