import { Readable } from 'node:stream';
import { EXIT, PipelineError } from '../base/error.ts';
import { algorithmOf, createRunningHash, parseObjectPath, withoutDir } from '../base/hash.ts';
import type { Body, Remote, RemoteConfig } from '../base/remote.ts';
import type { ContentHash } from '../base/types.ts';
import { derivedStream } from './derived-stream.ts';
import { remoteFault } from './faults.ts';
import { isPage, strangeAnswer } from './web-fault.ts';

/** What bytes must be: their hash where it is known, their number where it is known. */
interface Expected {
  readonly hash: ContentHash | undefined;
  readonly size: number | undefined;
  readonly wrong: (what: string) => PipelineError;
}

/*
 * A remote's streams are hashed while they run. The last piece of a stream is held back until all of it proved right, so
 * neither side ever holds a complete wrong object. A `get` that gives a file, and a `put` that reads `body.file` itself, are
 * checked by whoever reads the file.
 */

/**
 * A remote whose uploads end with `transfer.changed` when their bytes are not what their hash or else their key says: the local
 * source changed. The remote is told that hash with the body. It belongs inside of retries, which must not repeat what the source
 * has spoiled.
 */
export function verifyPuts(remote: Remote): Remote {
  return {
    ...remote,
    async put(key, body, signal) {
      const checked = checkBody(key, body);
      try {
        await remote.put(key, checked.body, signal);
      } catch (error) {
        signal.throwIfAborted();
        // What an SDK makes of a source that breaks off says nothing; the source knows why.
        throw checked.fault() ?? error;
      }
    },
  };
}

/**
 * A remote whose downloads end with `remote.corrupt` when their bytes are not what their key says. It belongs outside of retries,
 * to see the very bytes that are handed out.
 */
export function verifyGets(remote: Remote, config: RemoteConfig): Remote {
  return {
    ...remote,
    async get(key, signal) {
      const source = await remote.get(key, signal);
      const hash = parseObjectPath(key);
      if ('file' in source || hash === undefined) return source;
      // A login page says nothing of the object.
      const wrong = (what: string): PipelineError =>
        isPage(source.type)
          ? strangeAnswer(config)
          : remoteFault(config, 'corrupt', { what: `"${key}" there is not what its name says: ${what}` });
      const bytes = source.stream as AsyncIterable<Uint8Array>;
      return { stream: derivedStream(source.stream, check(bytes, { hash, size: undefined, wrong })) };
    },
  };
}

function checkBody(key: string, body: Body): { readonly body: Body; fault(): Error | undefined } {
  let fault: PipelineError | undefined;
  const wrong = (what: string): PipelineError => (fault = transferChanged(body.file ?? key, what));
  const hash = body.hash ?? parseObjectPath(key);
  const expected: Expected = { hash, size: body.size, wrong };
  /** Only what reading throws is the source's fault: an upload that fails throws into the generator too. */
  async function* source(): AsyncGenerator<Uint8Array, void, undefined> {
    const stream = body.open();
    const pieces = (stream as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await pieces.next().catch((error: unknown) => {
          if (error instanceof PipelineError) throw (fault = error);
          throw wrong(cannotRead(error));
        });
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      stream.destroy();
    }
  }
  const open = (): Readable => {
    fault = undefined;
    return Readable.from(check(source(), expected), { objectMode: false });
  };
  return { body: { ...body, ...(hash && { hash }), open }, fault: () => fault };
}

/** What is wrong with local bytes that cannot be read. */
export function cannotRead(error: unknown): string {
  return `it cannot be read (${error instanceof Error ? error.message : String(error)})`;
}

/** The error for local bytes that are no longer what was hashed. */
export function transferChanged(name: string, what: string): PipelineError {
  return new PipelineError('transfer.changed', `"${name}" changed before it was sent: ${what}`, {
    exit: EXIT.failed,
    hint: 'run "lockstep verify" to find what else changed, then run the command again',
  });
}

async function* check(
  stream: AsyncIterable<Uint8Array>,
  expected: Expected,
): AsyncGenerator<Uint8Array, void, undefined> {
  const running = expected.hash && createRunningHash(algorithmOf(expected.hash));
  let size = 0;
  let held: Uint8Array | undefined;
  for await (const chunk of stream) {
    if (chunk.length === 0) continue;
    running?.update(chunk);
    size += chunk.length;
    if (expected.size !== undefined && size > expected.size)
      throw expected.wrong(`it has more than ${expected.size} bytes`);
    if (held) yield held;
    held = chunk;
  }
  if (expected.size !== undefined && size !== expected.size) {
    throw expected.wrong(`it has ${size} bytes, not ${expected.size}`);
  }
  const real = running?.end();
  if (expected.hash && real && real !== withoutDir(expected.hash))
    throw expected.wrong(`its bytes hash to ${real}`);
  if (held) yield held;
}
