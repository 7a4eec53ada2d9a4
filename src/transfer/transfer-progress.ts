import type { Readable } from 'node:stream';
import type { Emit } from '../base/event.ts';
import type { Body } from '../base/remote.ts';
import type { ContentHash } from '../base/types.ts';
import { derivedStream } from '../remotes/derived-stream.ts';

/** Objects up to this size are told of when they have arrived; larger ones also on their way, in steps of this size. */
const STEP_BYTES = 1024 * 1024;

/** Counts what has arrived and tells it. */
export interface TransferProgress {
  /** An object has arrived whole. */
  arrived(size: number, hash?: ContentHash): void;
  /** Several objects have; told as one step. */
  arrivedTogether(some: readonly { readonly size: number }[]): void;
  /** An object did not arrive: what was told of it counts no longer. */
  failed(hash: ContentHash): void;
  /** The same body; its bytes are counted while they are read, anew with each opening. */
  countBody(hash: ContentHash, body: Body): Body;
  /** What is told how many bytes of an object have come so far; `undefined` for a small one. */
  counterOf(hash: ContentHash, size: number): ((bytes: number) => void) | undefined;
  done(): { readonly objects: number; readonly size: number };
}

/** `start`: what had arrived before the transfer was told of. */
export function createTransferProgress(
  direction: 'push' | 'fetch',
  emit: Emit,
  start: { readonly objects: number; readonly size: number } = { objects: 0, size: 0 },
): TransferProgress {
  let done = start;
  /** Bytes of objects that are on their way. */
  const partial = new Map<ContentHash, number>();
  let told = 0;

  const arrivedBytes = (): number => partial.values().reduce((sum, bytes) => sum + bytes, done.size);

  function tell(): void {
    told = arrivedBytes();
    emit({ type: 'transfer-progressed', direction, objects: done.objects, size: told });
  }

  function note(hash: ContentHash, bytes: number): void {
    partial.set(hash, bytes);
    if (arrivedBytes() - told >= STEP_BYTES) tell();
  }

  function arrivedTogether(some: readonly { readonly size: number }[]): void {
    if (some.length === 0) return;
    const size = some.reduce((sum, one) => sum + one.size, done.size);
    done = { objects: done.objects + some.length, size };
    tell();
  }

  async function* count(hash: ContentHash, stream: Readable): AsyncGenerator<Uint8Array, void, undefined> {
    let bytes = 0;
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      yield chunk;
      note(hash, (bytes += chunk.length));
    }
  }

  return {
    arrived(size, hash) {
      if (hash !== undefined) partial.delete(hash);
      arrivedTogether([{ size }]);
    },
    arrivedTogether,
    failed: (hash) => void partial.delete(hash),
    countBody(hash, body) {
      if (body.size <= STEP_BYTES) return body;
      const open = (): Readable => {
        partial.delete(hash);
        const stream = body.open();
        return derivedStream(stream, count(hash, stream));
      };
      return { ...body, open, noteRead: (bytes) => note(hash, bytes) };
    },
    counterOf: (hash, size) => (size <= STEP_BYTES ? undefined : (bytes) => note(hash, bytes)),
    done: () => done,
  };
}
