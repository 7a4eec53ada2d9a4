import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { EXIT, PipelineError } from '../../src/base/error.ts';
import type { Remote } from '../../src/base/remote.ts';
import { piecesOf } from './bodies.ts';

/** The reference of the contract: a remote that is a map. What several of them share is the map. */
export function createMemoryRemote(objects: Map<string, Buffer>, concurrency = 4): Remote {
  return {
    limits: { concurrency },
    async head(key, signal) {
      signal.throwIfAborted();
      const bytes = objects.get(key);
      return bytes && { size: bytes.length };
    },
    async get(key, signal, from = 0) {
      signal.throwIfAborted();
      const bytes = objects.get(key);
      if (!bytes) throw new PipelineError('remote.object-missing', `has no "${key}"`, { exit: EXIT.failed });
      return { stream: Readable.from(piecesOf(bytes.subarray(from)), { objectMode: false, signal }), from };
    },
    async put(key, body, signal) {
      const bytes = await buffer(body.open());
      signal.throwIfAborted();
      objects.set(key, bytes);
    },
    async remove(key) {
      objects.delete(key);
    },
    async *list(prefix) {
      for (const [key, bytes] of objects) if (key.startsWith(prefix)) yield { key, size: bytes.length };
    },
  };
}
