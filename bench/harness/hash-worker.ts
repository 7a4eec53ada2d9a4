import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

const { paths, next } = workerData as { readonly paths: readonly string[]; readonly next: Int32Array };
const buffer = Buffer.allocUnsafe(1024 * 1024);
const done: (readonly [number, string])[] = [];
for (let index = Atomics.add(next, 0, 1); index < paths.length; index = Atomics.add(next, 0, 1)) {
  done.push([index, hashFile(paths[index] ?? '')]);
}
parentPort?.postMessage(done);

function hashFile(path: string): string {
  const file = openSync(path, 'r');
  try {
    const hash = createHash('sha256');
    for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer))
      hash.update(buffer.subarray(0, read));
    return hash.digest('hex');
  } finally {
    closeSync(file);
  }
}
