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

/** All of them; where there are more than `limit`, some of those behind it are left out. */
export async function readWhole(
  source: Source,
  signal: AbortSignal,
  limit: number = Number.POSITIVE_INFINITY,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of readSource(source, signal)) {
    chunks.push(chunk);
    if ((size += chunk.length) > limit) break;
  }
  return Buffer.concat(chunks);
}
