import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createRunningHash, hashBytes, objectPath } from '../../src/base/hash.ts';
import type { Body, Remote, RemoteConfig, Source } from '../../src/base/remote.ts';
import type { ContentHash, Json } from '../../src/base/types.ts';

/** A remote's configuration as if remotes.yaml had it on its third line. */
export function configOf(url: string, options: Readonly<Record<string, Json>> = {}): RemoteConfig {
  return { name: 'test', url, options, at: { file: 'remotes.yaml', line: 3, column: 3, length: 4 } };
}

/** Bytes of any length that differ by seed; made by a linear congruential generator, so that every run has the same. */
export function seededBytes(size: number, seed: number): Buffer {
  const bytes = Buffer.alloc(size);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, size >> 2);
  let state = seed;
  for (let i = 0; i < words.length; i++) words[i] = state = Math.imul(state, 1664525) + 1013904223;
  return bytes;
}

/** Key of the object that these bytes are. */
export function keyOf(bytes: Uint8Array): string {
  return objectPath(hashBytes('sha256', bytes));
}

/** A body in pieces of 64 KiB. */
export function bodyOf(bytes: Uint8Array): Body {
  return { size: bytes.length, open: () => Readable.from(piecesOf(bytes), { objectMode: false }) };
}

export function* piecesOf(bytes: Uint8Array, size = 65536): Generator<Uint8Array, void, undefined> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

/** Reads a source to its end. */
export function readAll(source: Source): Promise<Buffer> {
  return buffer('file' in source ? createReadStream(source.file) : source.stream);
}

/** Hash and length of a source, never holding more than a piece of it. */
export async function hashAll(
  source: Source,
): Promise<{ readonly size: number; readonly hash: ContentHash }> {
  const stream = 'file' in source ? createReadStream(source.file) : source.stream;
  const running = createRunningHash('sha256');
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    running.update(chunk);
    size += chunk.length;
  }
  return { size, hash: running.end() };
}

/** Keys and sizes below a prefix, by key. */
export async function listAll(
  remote: Remote,
  prefix: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { key, size } of remote.list(prefix, signal)) found.push(`${key} ${size}`);
  return found.sort();
}
