import { closeSync, fchmodSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { algorithmOf, hashBytes } from '../base/hash.ts';
import type { SizedObject } from '../base/remote.ts';
import { COPY_BYTES } from './copy-files.ts';
import type { CopiedObject, CopyOptions } from './copy-files.ts';

/** What one message asks for: enough to make messages cheap, little enough for a Ctrl-C. */
const MESSAGE_FILES = 128;
const MESSAGE_BYTES = 8 * 1024 * 1024;
const READ_ONLY = 0o444;

/** What a worker is asked for. */
interface Order extends CopiedObject {
  readonly file: string;
}

/** V8 lets a young generation grow to three times this; a worker here has nothing to keep. */
const YOUNG_MIB = 4;

/** `copyFiles` in worker threads: each opens, reads, hashes and writes its own files; only indexes are sent back. */
export async function copyWithWorkers(
  objects: readonly SizedObject[],
  { threads, signal, fileOf, tempFor, copied }: CopyOptions,
): Promise<void> {
  let next = 0;
  const failures: unknown[] = [];
  const take = (): readonly Order[] => {
    const taken: Order[] = [];
    if (failures.length > 0 || signal.aborted) return taken;
    for (let bytes = 0; taken.length < MESSAGE_FILES && bytes < MESSAGE_BYTES;) {
      const object = objects[next++];
      if (object === undefined) break;
      const { hash, size } = object;
      taken.push({ hash, size, file: fileOf(hash), temp: tempFor(hash) });
      bytes += size;
    }
    return taken;
  };
  const copyOnOne = async (): Promise<void> => {
    const worker = new Worker(new URL(import.meta.url), {
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
    });
    try {
      for (let asked = take(); asked.length > 0; asked = take()) {
        const wrong = await ask(worker, asked);
        await copied(
          asked.flatMap(({ hash, size, temp }, index) =>
            wrong.includes(index) ? [] : [{ hash, size, temp }],
          ),
        );
      }
    } catch (error) {
      failures.push(error);
    } finally {
      await worker.terminate();
    }
  };
  const count = Math.min(threads, availableParallelism(), Math.ceil(objects.length / MESSAGE_FILES));
  await Promise.all(Array.from({ length: count }, copyOnOne));
  if (failures.length > 0) throw failures[0];
  signal.throwIfAborted();
}

/** The indexes of those that were not copied. */
function ask(worker: Worker, asked: readonly Order[]): Promise<readonly number[]> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (wrong: readonly number[]) => {
      worker.off('error', reject);
      resolve(wrong);
    });
    worker.postMessage(asked);
  });
}

function serve(port: NonNullable<typeof parentPort>): void {
  const buffer = Buffer.allocUnsafeSlow(COPY_BYTES + 1);
  port.on('message', (asked: readonly Order[]) => {
    const wrong: number[] = [];
    for (const [index, object] of asked.entries()) if (!copyOne(object, buffer)) wrong.push(index);
    port.postMessage(wrong);
  });
}

function copyOne({ hash, file, size, temp }: Order, buffer: Buffer): boolean {
  try {
    const bytes = readUpTo(size + 1, file, buffer);
    if (bytes.length !== size || hashBytes(algorithmOf(hash), bytes) !== hash) return false;
    writeNew(temp, bytes);
    return true;
  } catch {
    return false;
  }
}

/** A file's bytes, up to a length: one byte more than expected shows that the file has grown. */
function readUpTo(length: number, file: string, buffer: Buffer): Uint8Array {
  const fd = openSync(file, 'r');
  try {
    let filled = 0;
    // Right bytes are right without a further read that finds the end.
    do {
      const read = readSync(fd, buffer, filled, length - filled, null);
      if (read === 0) break;
      filled += read;
    } while (filled < length - 1);
    return buffer.subarray(0, filled);
  } finally {
    closeSync(fd);
  }
}

function writeNew(path: string, bytes: Uint8Array): void {
  const fd = openSync(path, 'wx', READ_ONLY);
  try {
    for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written);
    if ((process.umask() & READ_ONLY) !== 0) fchmodSync(fd, READ_ONLY);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

if (!isMainThread && parentPort) serve(parentPort);
