import {
  closeSync,
  createReadStream,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { folderByFolder } from '../base/batches.ts';
import { isSystemError } from '../base/error.ts';
import type { PipelineError } from '../base/error.ts';
import { algorithmOf, createRunningHash, isTreeHash, withoutDir } from '../base/hash.ts';
import { corruptObject } from '../base/remote.ts';
import type { SizedObject, Source } from '../base/remote.ts';
import type { ContentHash } from '../base/types.ts';
import { copyFiles } from '../io/copy-files.ts';
import { COPY_BYTES } from '../io/copy-small.ts';
import { lookOf } from '../io/hash-file.ts';
import { OBJECT_MODE, setMode } from '../io/modes.ts';
import type { FileLook } from '../io/hash-file.ts';
import { createNaming } from '../io/naming.ts';
import type { Waiting } from '../io/naming.ts';
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
  drop(): Promise<void>;
}

export interface ReceiveFilesOptions {
  readonly threads: number;
  readonly signal: AbortSignal;
  /** Where an object's bytes are. */
  readonly fileOf: (hash: ContentHash) => string;
  readonly received: (some: readonly SizedObject[]) => void;
}

interface Received extends Waiting {
  readonly hash: ContentHash;
  /** What the temp file looks like. */
  readonly look: FileLook;
}

const CHUNK_BYTES = 1024 * 1024;

export function createLanding(cache: Cache): Landing {
  const trees = new Map<ContentHash, Received>();
  const inside = new Set<ContentHash>();
  const { clock, memo } = cache;
  const naming = createNaming<Received>({
    root: cache.dir,
    newFolder: () => cache.newTempFolder(),
    clock,
    named(some) {
      const seenAt = clock.now();
      for (const { target, hash, look } of some) {
        memo.remember(() => target, look, hash, { seenAt, object: true });
        inside.add(hash);
      }
    },
  });
  const receivedAs = (temp: string, hash: ContentHash, look: FileLook): Received => ({
    hash,
    temp,
    target: cache.pathOf(hash),
    size: look.size,
    look,
  });

  return {
    hasLetIn: (hash) => inside.has(hash),
    async receiveFiles(objects, { threads, signal, fileOf, received }) {
      await copyFiles(folderByFolder(objects), {
        threads,
        signal,
        rights: 'public',
        fileOf: ({ hash }) => fileOf(hash),
        targetOf: ({ hash }) => naming.placeOf(cache.pathOf(hash)),
        async copied(some) {
          await naming.add(some.map(({ of, copy, look }) => receivedAs(copy, of.hash, look)));
          received(some.map(({ of }) => of));
        },
      });
    },
    async receive(hash, given, { signal, came }) {
      let source: Source = given;
      try {
        source = asSmallFileOrStream(given, signal);
        const temp = cache.newTemp();
        const received = receivedAs(temp, hash, await write(hash, source, { temp, came }));
        if (isTreeHash(hash)) trees.set(hash, received);
        else await naming.add([received]);
        return received.size;
      } catch (error) {
        throw 'file' in given && isOfReading(error, given.file) ? given.faultOf(error) : error;
      } finally {
        // Nobody may have begun to read it.
        if ('stream' in source) source.stream.destroy();
      }
    },
    readTree(hash) {
      const received = trees.get(hash);
      if (!received) return [];
      return parseManifest(readFileSync(received.temp), algorithmOf(hash)).map((entry) => entry.hash);
    },
    async settle(isComplete) {
      await naming.flush();
      const complete = [...trees.values()].filter(({ hash }) => isComplete(hash));
      // Let in or dropped: either way they wait no longer.
      for (const { hash } of complete) trees.delete(hash);
      await naming.add(complete);
      await naming.flush();
    },
    async drop() {
      await naming.close();
      for (const { temp } of trees.values()) rmSync(temp, { force: true });
      trees.clear();
    },
  };
}

/** True for a failure of a remote's file; those of the temp file come from making and writing it. */
function isOfReading(error: unknown, file: string): boolean {
  return isSystemError(error) && (error.path === file || error.syscall === 'read');
}

/** A large file is copied piece by piece, so that a Ctrl-C need not wait for its end. */
function asSmallFileOrStream(source: Source, signal: AbortSignal): Source {
  if (!('file' in source) || lstatSync(source.file).size <= COPY_BYTES) return source;
  return { stream: createReadStream(source.file, { signal, highWaterMark: CHUNK_BYTES }) };
}

/** Writes what comes to a read-only temp file, hashing it on the way; leaves nothing when it is not what it should be. */
async function write(
  hash: ContentHash,
  source: Source,
  { temp, came }: { readonly temp: string; readonly came: ((bytes: number) => void) | undefined },
): Promise<FileLook> {
  const expected = withoutDir(hash);
  const mismatch = (): PipelineError => corruptObject(hash);
  if ('file' in source)
    return lookOf(await copyHashed(source.file, temp, { hash: expected, rights: 'public', mismatch }));
  const running = createRunningHash(algorithmOf(hash));
  const fd = openSync(temp, 'wx', 0o644);
  let size = 0;
  try {
    for await (const chunk of source.stream as AsyncIterable<Buffer>) {
      running.update(chunk);
      writeFileSync(fd, chunk);
      size += chunk.length;
      came?.(size);
    }
    if (running.end() !== expected) throw mismatch();
    setMode(fd, OBJECT_MODE);
    return lookOf(fstatSync(fd));
  } catch (error) {
    rmSync(temp, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}
