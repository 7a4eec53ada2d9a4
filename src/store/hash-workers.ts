import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { digestOf } from '../base/hash.ts';
import type { ContentHash, HashAlgorithm } from '../base/types.ts';
import { hashFile } from './hash-file.ts';

interface Work {
  readonly paths: readonly string[];
  readonly algorithm: HashAlgorithm;
  /** The next index to take, shared by all workers. */
  readonly next: SharedArrayBuffer;
  /** `DIGEST_BYTES` for each file: a message for every few files would cost as much as hashing small ones. */
  readonly digests: SharedArrayBuffer;
  /** 1 for each file whose digest is there. */
  readonly hashed: SharedArrayBuffer;
}

/** A file that could not be read. */
interface Failure {
  readonly index: number;
  readonly message: string;
  readonly code: string | undefined;
}

const DIGEST_BYTES = 32;
const BATCH = 32;
/** V8 lets a young generation grow to three times this; a worker here has nothing to keep. */
const YOUNG_MIB = 4;

/** Hashes files in worker threads; each opens and reads its own files, only digests come back. */
export async function hashWithWorkers(
  paths: readonly string[],
  algorithm: HashAlgorithm,
  threads: number,
): Promise<readonly (ContentHash | Error)[]> {
  const failures = new Map<number, Error>();
  const work: Work = {
    paths,
    algorithm,
    next: new SharedArrayBuffer(4),
    digests: new SharedArrayBuffer(paths.length * DIGEST_BYTES),
    hashed: new SharedArrayBuffer(paths.length),
  };
  await Promise.all(
    Array.from({ length: threads }, () => {
      const worker = new Worker(new URL(import.meta.url), {
        workerData: work,
        resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
      });
      return new Promise<void>((resolve, reject) => {
        worker.on('message', ({ index, message, code }: Failure) => {
          failures.set(index, Object.assign(new Error(message), { code }));
        });
        worker.on('error', reject);
        worker.on('exit', () => resolve());
      });
    }),
  );
  const digests = Buffer.from(work.digests);
  const hashed = new Uint8Array(work.hashed);
  const bytes = algorithm === 'md5' ? 16 : DIGEST_BYTES;
  return paths.map((_, index): ContentHash | Error => {
    const at = index * DIGEST_BYTES;
    if (hashed[index] !== 1) return failures.get(index) ?? new Error('it was not hashed');
    return `${algorithm}:${digests.toString('hex', at, at + bytes)}`;
  });
}

function serve(work: Work): void {
  const next = new Int32Array(work.next);
  const digests = Buffer.from(work.digests);
  const hashed = new Uint8Array(work.hashed);
  const buffer = Buffer.allocUnsafe(1024 * 1024);
  // Large files are few: taking them one by one keeps the workers even.
  const batch = work.paths.length > 1000 ? BATCH : 1;
  for (let from = Atomics.add(next, 0, batch); from < work.paths.length; from = Atomics.add(next, 0, batch)) {
    for (let index = from; index < Math.min(from + batch, work.paths.length); index++) {
      const result = hashFile(work.paths[index] ?? '', work.algorithm, buffer);
      if (typeof result === 'string') {
        digests.write(digestOf(result), index * DIGEST_BYTES, 'hex');
        hashed[index] = 1;
      } else {
        const { code } = result as NodeJS.ErrnoException;
        parentPort?.postMessage({ index, message: result.message, code } satisfies Failure);
      }
    }
  }
}

if (!isMainThread && parentPort) serve(workerData as Work);
