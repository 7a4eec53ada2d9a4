import {
  chmodSync,
  closeSync,
  createReadStream,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { EXIT, PipelineError } from '../base/error.ts';
import { algorithmOf, createRunningHash, digestOf, isTreeHash } from '../base/hash.ts';
import type { SizedObject, Source } from '../base/remote.ts';
import type { ContentHash } from '../base/types.ts';
import { copyFiles } from '../io/copy-files.ts';
import { flush } from '../io/flush.ts';
import type { FileLook } from '../io/hash-file.ts';
import type { Cache } from './cache.ts';
import { copyHashed } from './copy-hashed.ts';
import { parseManifest } from './tree.ts';

/** Objects on their way into the cache: temp files beside it, hashed while written, let in batch by batch. */
export interface Landing {
  /**
   * Resolves with the bytes received; `came` is told how many there are so far. Throws `remote.corrupt` for bytes that are
   * not what the name says.
   */
  receive(
    hash: ContentHash,
    source: Source,
    options: { readonly signal: AbortSignal; readonly came?: ((bytes: number) => void) | undefined },
  ): Promise<number>;
  /**
   * Receives many small files at once, where that is faster than one by one; `received` is told of some at a time. What
   * cannot be copied is left out without a word: `receive` says why.
   */
  receiveFiles(files: readonly SizedObject[], options: ReceiveFilesOptions): Promise<void>;
  /** True for an object that was let in. */
  hasLetIn(hash: ContentHash): boolean;
  /** The files that a received manifest names. Throws `manifest.invalid`. */
  readTree(hash: ContentHash): readonly ContentHash[];
  /** Makes the received files durable and lets them in, then the manifests that are complete. */
  settle(isComplete: (manifest: ContentHash) => boolean): Promise<void>;
  /** Removes what was not let in. */
  drop(): void;
}

export interface ReceiveFilesOptions {
  readonly threads: number;
  readonly signal: AbortSignal;
  /** Where an object's bytes are. */
  readonly fileOf: (hash: ContentHash) => string;
  readonly received: (some: readonly SizedObject[]) => void;
}

interface Received {
  readonly hash: ContentHash;
  readonly temp: string;
  readonly size: number;
  /** What the temp file looks like, if it is known. */
  readonly look?: FileLook;
}

/** So much may wait to be let in, and so long: a flush in the midst of writing makes each new file wait for the disk. */
const BATCH_FILES = 20_000;
const BATCH_BYTES = 2 * 1024 * 1024 * 1024;
const BATCH_MS = 30_000;
const WHOLE_BYTES = 4 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;

export function createLanding(cache: Cache): Landing {
  const trees = new Map<ContentHash, Received>();
  const inside = new Set<ContentHash>();
  const made = new Set<string>();
  let files: Received[] = [];
  let bytes = 0;
  /** When the first of them came, epoch ms. */
  let sinceMs = 0;
  /** The batch being let in; the next one waits for it. */
  let settling: Promise<void> = Promise.resolve();

  async function letIn(batch: readonly Received[]): Promise<void> {
    try {
      await flush(batch.map(({ temp }) => temp));
      const seenAt = cache.clock.now();
      for (const { hash, temp, look = lstatSync(temp) } of batch) {
        renameSync(temp, cache.pathOf(hash));
        cache.memo.remember(look, hash, { seenAt, object: true });
      }
      await flush([...new Set(batch.map(({ hash }) => dirname(cache.pathOf(hash))))]);
      for (const { hash } of batch) inside.add(hash);
    } catch (error) {
      for (const { temp } of batch) rmSync(temp, { force: true });
      throw error;
    }
  }

  function settleFiles(): Promise<void> {
    const batch = files;
    files = [];
    bytes = 0;
    // One that failed told it; this one stands for itself.
    settling = settling.catch(() => undefined).then(() => letIn(batch));
    return settling;
  }

  /** A temp file for an object, whose folder exists then. */
  function tempFor(hash: ContentHash): string {
    const folder = dirname(cache.pathOf(hash));
    if (!made.has(folder)) mkdirSync(folder, { recursive: true });
    made.add(folder);
    return cache.newTemp();
  }

  async function take(some: readonly Received[]): Promise<void> {
    const nowMs = cache.clock.now();
    if (files.length === 0) sinceMs = nowMs;
    for (const one of some) {
      files.push(one);
      bytes += one.size;
    }
    if (files.length >= BATCH_FILES || bytes >= BATCH_BYTES || nowMs - sinceMs >= BATCH_MS)
      await settleFiles();
  }

  return {
    hasLetIn: (hash) => inside.has(hash),
    async receiveFiles(objects, { threads, signal, fileOf, received }) {
      await copyFiles(objects, {
        threads,
        signal,
        fileOf,
        tempFor,
        async copied(some) {
          await take(some);
          received(some);
        },
      });
    },
    async receive(hash, source, { signal, came }) {
      const temp = tempFor(hash);
      const size = await write(hash, asSmallFileOrStream(source, signal), { temp, came });
      chmodSync(temp, 0o444);
      if (isTreeHash(hash)) {
        trees.set(hash, { hash, temp, size });
        return size;
      }
      await take([{ hash, temp, size }]);
      return size;
    },
    readTree(hash) {
      const received = trees.get(hash);
      if (!received) return [];
      return parseManifest(readFileSync(received.temp), algorithmOf(hash)).map((entry) => entry.hash);
    },
    async settle(isComplete) {
      await settleFiles();
      const complete = [...trees.values()].filter(({ hash }) => isComplete(hash));
      // Let in or dropped: either way they wait no longer.
      for (const { hash } of complete) trees.delete(hash);
      await letIn(complete);
    },
    drop() {
      for (const { temp } of [...files, ...trees.values()]) rmSync(temp, { force: true });
      files = [];
      trees.clear();
    },
  };
}

/** A large file is copied piece by piece, so that a Ctrl-C need not wait for its end. */
function asSmallFileOrStream(source: Source, signal: AbortSignal): Source {
  if (!('file' in source) || lstatSync(source.file).size <= WHOLE_BYTES) return source;
  return { stream: createReadStream(source.file, { signal, highWaterMark: CHUNK_BYTES }) };
}

/** Writes what comes to a temp file, hashing it on the way; leaves nothing when it is not what it should be. */
async function write(
  hash: ContentHash,
  source: Source,
  { temp, came }: { readonly temp: string; readonly came: ((bytes: number) => void) | undefined },
): Promise<number> {
  const expected: ContentHash = `${algorithmOf(hash)}:${digestOf(hash).replace('.dir', '')}`;
  if ('file' in source) {
    copyHashed(source.file, temp, { hash: expected, mismatch: () => corrupt(hash) });
    return lstatSync(temp).size;
  }
  const running = createRunningHash(algorithmOf(hash));
  const fd = openSync(temp, 'wx', 0o644);
  let size = 0;
  try {
    for await (const chunk of source.stream as AsyncIterable<Buffer>) {
      running.update(chunk);
      for (let written = 0; written < chunk.length;) written += writeSync(fd, chunk, written);
      size += chunk.length;
      came?.(size);
    }
    if (running.end() !== expected) throw corrupt(hash);
  } catch (error) {
    rmSync(temp, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
  return size;
}

function corrupt(hash: ContentHash): PipelineError {
  return new PipelineError(
    'remote.corrupt',
    `the remote's object ${hash} has other bytes than its name says; it was refused`,
    {
      exit: EXIT.failed,
      hint: 'push it again from a machine that has it intact',
    },
  );
}
