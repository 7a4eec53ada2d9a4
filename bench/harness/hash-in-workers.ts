import { Worker } from 'node:worker_threads';

/** SHA-256 of each file in hex, in the order of the paths, by two threads that take the next file when they are ready. */
export async function hashInWorkers(paths: readonly string[]): Promise<readonly string[]> {
  const next = new Int32Array(new SharedArrayBuffer(4));
  const hashes: string[] = Array.from({ length: paths.length }, () => '');
  const hashPart = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./hash-worker.ts', import.meta.url), {
        workerData: { paths, next },
      });
      worker.once('error', reject);
      worker.once('message', (part: readonly (readonly [number, string])[]) => {
        for (const [index, hash] of part) hashes[index] = hash;
      });
      worker.once('exit', () => resolve());
    });
  await Promise.all([hashPart(), hashPart()]);
  return hashes;
}
