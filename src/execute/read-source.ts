import { createReadStream } from 'node:fs';
import type { Source } from '../base/remote.ts';

/** The bytes that a remote gives. Whatever fails in reading a folder's file is the remote's fault, not this machine's. */
export async function* readSource(
  source: Source,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  if (!('file' in source)) {
    yield* source.stream as AsyncIterable<Buffer>;
    return;
  }
  try {
    yield* createReadStream(source.file, { signal }) as AsyncIterable<Buffer>;
  } catch (error) {
    signal.throwIfAborted();
    throw source.faultOf(error);
  }
}
