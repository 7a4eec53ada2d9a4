import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson, parseJson, sha256Hex } from '../base/hash.ts';
import { pathSetFault } from '../base/path.ts';
import type { Fingerprint, Json, StageLock } from '../base/types.ts';
import { readFolder, readIfExists, writeFileAtomic } from '../io/files.ts';
import { RecordFault, fromStageLock, sumOf, toStageLock } from './stage-lock.ts';

/** Results by fingerprint: `runs/ab/cdef…`, the same tree below a remote. */
export interface RunCache {
  /** The recorded result of exactly this fingerprint; anything damaged, forged or foreign is as if it were not there. */
  recall(fingerprint: Fingerprint): StageLock | undefined;
  /**
   * The newest result of a fingerprint replaces an older one; one that continued from its old outs is not that of its
   * fingerprint alone, and is left out, as is one that was edited: it would be believed from then on. Its objects must be
   * on the disk already; the entry itself is not flushed: its checksum tells when a power cut has damaged it, and the lock
   * says the same.
   */
  save(result: StageLock): void;
  /** The same for a result that the lock forgets, unless there is one of its fingerprint already. */
  keep(result: StageLock): void;
  /** Every entry, for garbage collection and push: its path below the cache and its result. */
  list(): readonly { readonly path: string; readonly result: StageLock }[];
  /** Paths of entries that only a newer lockstep can read. */
  listLater(): readonly string[];
  /** Takes out what is not what its name says; how many entries there were, and the paths of those. */
  check(): { readonly count: number; readonly taken: readonly string[] };
}

const VERSION = 1;

export function createRunCache(dir: string): RunCache {
  function save(result: StageLock): void {
    if (result.edited || result.fingerprint.outs.some((out) => out.persist)) return;
    const path = join(dir, entryPathOf(result.fingerprint));
    writeFileAtomic(path, formatRunEntry(result), { durable: false });
  }

  function* entries(): Generator<readonly [path: string, bytes: Buffer]> {
    for (const folder of readFolder(join(dir, 'runs'))) {
      for (const file of readFolder(join(dir, 'runs', folder.name))) {
        if (!file.isFile()) continue;
        const path = `runs/${folder.name}/${file.name}`;
        const bytes = readIfExists(join(dir, path));
        if (bytes) yield [path, bytes];
      }
    }
  }

  return {
    recall(fingerprint) {
      // A failed read costs more than this question, and nothing can be found without the folder.
      if (!existsSync(join(dir, 'runs'))) return undefined;
      const path = entryPathOf(fingerprint);
      const bytes = readIfExists(join(dir, path));
      const result = bytes && parseEntryAt(path, bytes);
      // JSON knows one kind of number; the fingerprint that is asked for still knows which it was.
      return result && { ...result, fingerprint };
    },
    save,
    keep(result) {
      if (!existsSync(join(dir, entryPathOf(result.fingerprint)))) save(result);
    },
    list() {
      const found: { path: string; result: StageLock }[] = [];
      for (const [path, bytes] of entries()) {
        const result = parseEntryAt(path, bytes);
        if (result) found.push({ path, result });
      }
      return found;
    },
    check() {
      let count = 0;
      const taken: string[] = [];
      for (const [path, bytes] of entries()) {
        if (!isEntryPath(path) || isLaterEntry(bytes)) continue;
        count++;
        if (!parseEntryAt(path, bytes)) taken.push(path);
      }
      for (const path of taken) rmSync(join(dir, path), { force: true });
      return { count, taken };
    },
    listLater: () =>
      entries()
        .flatMap(([path, bytes]) => (isLaterEntry(bytes) ? [path] : []))
        .toArray(),
  };
}

/** Where the entry of a fingerprint lives, below a cache or a remote. */
export function entryPathOf(fingerprint: Fingerprint): string {
  const name = sha256Hex(canonicalJson(fingerprint as unknown as Json));
  return `runs/${name.slice(0, 2)}/${name.slice(2)}`;
}

/** True for a name that an entry may have; says nothing of its bytes. */
export function isEntryPath(path: string): boolean {
  return /^runs\/[0-9a-f]{2}\/[0-9a-f]{62}$/.test(path);
}

export function formatRunEntry(result: StageLock): string {
  const document = fromStageLock(result);
  return `${canonicalJson({ version: VERSION, result: document, sum: sumOf(document) ?? null })}\n`;
}

/** What an entry says at its path below a cache or a remote; `undefined` for what is none, or one of another name. */
export function parseEntryAt(path: string, bytes: Uint8Array): StageLock | undefined {
  const result = parseRunEntry(bytes);
  return result && entryPathOf(result.fingerprint) === path ? result : undefined;
}

/** True for an entry of a newer lockstep, which alone can judge it: here it is passed over, and stays. */
export function isLaterEntry(bytes: Uint8Array): boolean {
  try {
    const version = readJson(bytes)?.['version'];
    return typeof version === 'number' && version > VERSION;
  } catch {
    return false;
  }
}

function readJson(bytes: Uint8Array): Readonly<Record<string, Json>> | null {
  return parseJson(Buffer.from(bytes).toString('utf8')) as Readonly<Record<string, Json>> | null;
}

/** `undefined` for anything that is not an entry of ours. */
export function parseRunEntry(bytes: Uint8Array): StageLock | undefined {
  try {
    const value = readJson(bytes);
    if (value?.['version'] !== VERSION || Array.isArray(value)) return undefined;
    const { version: _, result: document, sum, ...rest } = value;
    if (document === undefined || Object.keys(rest).length > 0) return undefined;
    // Entries from before it was there have none.
    const real = sumOf(document);
    if (real === undefined || (sum !== undefined && sum !== real)) return undefined;
    const result = toStageLock(document);
    return pathSetFault(result.outs.map((out) => out.path)) === undefined ? result : undefined;
  } catch (error) {
    if (error instanceof RecordFault || error instanceof SyntaxError || error instanceof RangeError)
      return undefined;
    throw error;
  }
}
