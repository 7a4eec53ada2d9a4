import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import type { ContentHash, HashAlgorithm } from '../base/types.ts';
import { hashFile } from './hash-file.ts';

interface Work {
  readonly paths: readonly string[];
  readonly algorithm: HashAlgorithm;
  /** The next index to take, shared by all workers. */
  readonly next: SharedArrayBuffer;
}

type Found = readonly [
  index: number,
  result: ContentHash | { readonly message: string; readonly code: string | undefined },
];

const BATCH = 32;

/** Hashes files in worker threads; each opens and reads its own files, only digests are sent back. */
export async function hashWithWorkers(
  paths: readonly string[],
  algorithm: HashAlgorithm,
  threads: number,
): Promise<readonly (ContentHash | Error)[]> {
  const results: (ContentHash | Error)[] = Array.from({ length: paths.length });
  const work: Work = { paths, algorithm, next: new SharedArrayBuffer(4) };
  await Promise.all(
    Array.from({ length: threads }, () => {
      const worker = new Worker(new URL(import.meta.url), { workerData: work });
      return new Promise<void>((resolve, reject) => {
        worker.on('message', (found: readonly Found[]) => {
          for (const [index, result] of found) {
            results[index] =
              typeof result === 'string'
                ? result
                : Object.assign(new Error(result.message), { code: result.code });
          }
        });
        worker.on('error', reject);
        worker.on('exit', () => resolve());
      });
    }),
  );
  return results;
}

function serve(work: Work): void {
  const next = new Int32Array(work.next);
  const buffer = Buffer.allocUnsafe(1024 * 1024);
  // Large files are few: taking them one by one keeps the workers even.
  const batch = work.paths.length > 1000 ? BATCH : 1;
  for (let from = Atomics.add(next, 0, batch); from < work.paths.length; from = Atomics.add(next, 0, batch)) {
    const found: Found[] = [];
    for (let index = from; index < Math.min(from + batch, work.paths.length); index++) {
      const result = hashFile(work.paths[index] ?? '', work.algorithm, buffer);
      found.push([
        index,
        typeof result === 'string'
          ? result
          : { message: result.message, code: (result as NodeJS.ErrnoException).code },
      ]);
    }
    parentPort?.postMessage(found);
  }
}

if (!isMainThread && parentPort) serve(workerData as Work);
