import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { algorithmOf, createRunningHash } from '../base/hash.ts';
import type { Body } from '../base/remote.ts';
import { COPY_BYTES } from '../io/copy-small.ts';
import { OBJECT_MODE, setMode } from '../io/modes.ts';
import { checkHash, checkSize, readWholeFile, unreadable } from './local-file.ts';

const CHUNK_BYTES = 1024 * 1024;

export interface Copying {
  readonly body: Body;
  readonly signal: AbortSignal;
}

/**
 * Writes a body to a new file, which all may read and nobody write, whatever the umask. Bytes that come from `body.file`
 * are hashed on the way: `transfer.changed` when they are not what the body's hash says. Nothing is left after an error.
 */
export async function copyTo(file: string, copying: Copying): Promise<void> {
  copying.signal.throwIfAborted();
  const { body } = copying;
  try {
    if (body.file === undefined) await copyStream(copying, file);
    else if (body.size <= COPY_BYTES) copyWhole(body.file, body, file);
    else await copyChunks(body.file, copying, file);
  } catch (error) {
    rmSync(file, { force: true });
    throw error;
  }
}

function copyWhole(file: string, { size, hash }: Body, temp: string): void {
  const bytes = readWholeFile(file, { size, hash });
  const fd = openSync(temp, 'wx', OBJECT_MODE);
  try {
    writeFileSync(fd, bytes);
    setMode(fd, OBJECT_MODE);
  } finally {
    closeSync(fd);
  }
}

async function copyChunks(file: string, { body, signal }: Copying, temp: string): Promise<void> {
  const { hash } = body;
  const running = hash && createRunningHash(algorithmOf(hash));
  const refuse = (error: unknown): never => {
    throw unreadable(file, error);
  };
  await using source = await open(file, 'r').catch(refuse);
  await using target = await open(temp, 'wx', OBJECT_MODE);
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let size = 0;
  for (;;) {
    signal.throwIfAborted();
    const { bytesRead } = await source.read(buffer, 0, CHUNK_BYTES, null).catch(refuse);
    if (bytesRead === 0) break;
    const chunk = buffer.subarray(0, bytesRead);
    const writing = writeAll(target, chunk);
    // The hash is counted while the system writes.
    running?.update(chunk);
    size += bytesRead;
    await writing;
    body.noteRead?.(size);
  }
  checkSize(file, { size, wanted: body.size });
  if (hash && running) checkHash(file, running.end(), hash);
  await target.chmod(OBJECT_MODE);
}

async function copyStream({ body, signal }: Copying, temp: string): Promise<void> {
  await using target = await open(temp, 'wx', 0o600);
  for await (const chunk of body.open() as AsyncIterable<Uint8Array>) {
    signal.throwIfAborted();
    await writeAll(target, chunk);
  }
  signal.throwIfAborted();
  await target.chmod(OBJECT_MODE);
}

async function writeAll(target: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let written = 0; written < chunk.length;) {
    written += (await target.write(chunk, written)).bytesWritten;
  }
}
