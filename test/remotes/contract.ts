import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { hashBytes } from '../../src/base/hash.ts';
import { PipelineError } from '../../src/base/error.ts';
import type { Body, Remote } from '../../src/base/remote.ts';
import { retry } from '../../src/remotes/retry.ts';
import { bodyOf, hashAll, keyOf, listAll, piecesOf, readAll, seededBytes } from './bodies.ts';

/** One empty place, and ways to open it. */
export interface Place {
  /** As the program opens it: decorated. */
  open(): Promise<Remote>;
  /** The remote itself, which believes what it is given. */
  openRaw(): Promise<Remote>;
}

export interface ContractOptions {
  /** Why the suite cannot run here. */
  readonly skip?: string | undefined;
  /** Makes a place that nobody else has; called once per test. */
  place(t: TestContext): Promise<Place>;
  /** Largest body, in bytes; 64 MiB unless the place is slow. */
  readonly largest?: number;
  /** How many objects a listing gives at once; a thousand, as servers do, unless the place is made to give fewer. */
  readonly page?: number;
}

const MIB = 1024 * 1024;

const AWKWARD_KEYS: readonly string[] = [
  'runs/with blank and  two',
  'runs/it\'s "quoted"',
  'runs/100% + #1 ? & = ; , : @ $ ! ~ * ( ) [ ] { } ^ ` | < >',
  'runs/%2F%20',
  'runs/ünïcödé/日本/😀',
  'runs/.hidden/..dots',
  'runs/-dash/--',
  `runs/${'x'.repeat(200)}/y`,
];

/** What every remote promises, asked of one of them. */
export function remoteContract(name: string, options: ContractOptions): void {
  const skip = options.skip ?? false;
  const it = (title: string, run: (place: Place, t: TestContext) => Promise<void>): void => {
    test(title, { skip }, async (t) => run(await options.place(t), t));
  };
  const { signal } = new AbortController();
  const flush = async (remote: Remote): Promise<void> => remote.flush?.(signal);

  describe(`the ${name} remote`, () => {
    const largest = options.largest ?? 64 * MIB;
    const sizes = [0, 1, 100 * 1024, 5 * MIB, 8 * MIB, 8 * MIB + 1, 20 * MIB, largest].filter(
      (size) => size <= largest,
    );

    it('gives back the bytes it was given, from none to many', async (place) => {
      const remote = await place.open();
      for (const size of new Set(sizes)) {
        const bytes = seededBytes(size, size + 1);
        const key = keyOf(bytes);
        await remote.put(key, bodyOf(bytes), signal);
        await flush(remote);
        assert.deepEqual(await remote.head(key, signal), { size });
        assert.deepEqual(await hashAll(await remote.get(key, signal)), {
          size,
          hash: hashBytes('sha256', bytes),
        });
      }
      await remote.close?.();
    });

    it('knows nothing of what it was never given', async (place) => {
      const remote = await place.open();
      // Something is there, so that the place itself exists.
      await remote.put('runs/other', bodyOf(Buffer.from('x')), signal);
      await flush(remote);
      const key = keyOf(Buffer.from('never'));
      assert.equal(await remote.head(key, signal), undefined);
      await assert.rejects(remote.get(key, signal), {
        code: 'remote.object-missing',
        exit: 1,
        retryable: false,
      });
      await remote.remove(key, signal);
      assert.deepEqual(await listAll(remote, 'files/', signal), []);
      await remote.close?.();
    });

    it('keeps keys apart however they are written', async (place) => {
      const remote = await place.open();
      for (const key of AWKWARD_KEYS) await remote.put(key, bodyOf(Buffer.from(key)), signal);
      await flush(remote);
      for (const key of AWKWARD_KEYS) {
        assert.equal((await readAll(await remote.get(key, signal))).toString(), key);
        assert.deepEqual(await remote.head(key, signal), { size: Buffer.byteLength(key) });
      }
      const wanted = AWKWARD_KEYS.map((key) => `${key} ${Buffer.byteLength(key)}`).sort();
      assert.deepEqual(await listAll(remote, 'runs/', signal), wanted);
      const other = await place.open();
      assert.deepEqual(await listAll(other, 'runs/', signal), wanted);
      await Promise.all([remote.close?.(), other.close?.()]);
    });

    it('lists what begins with a prefix, wherever the prefix ends', async (place) => {
      const remote = await place.open();
      for (const key of ['a/b/c', 'a/bc', 'a/b/d/e', 'ab', 'b/a']) {
        await remote.put(key, bodyOf(Buffer.from(key)), signal);
      }
      await flush(remote);
      assert.deepEqual(await listAll(remote, '', signal), [
        'a/b/c 5',
        'a/b/d/e 7',
        'a/bc 4',
        'ab 2',
        'b/a 3',
      ]);
      assert.deepEqual(await listAll(remote, 'a', signal), ['a/b/c 5', 'a/b/d/e 7', 'a/bc 4', 'ab 2']);
      assert.deepEqual(await listAll(remote, 'a/b', signal), ['a/b/c 5', 'a/b/d/e 7', 'a/bc 4']);
      assert.deepEqual(await listAll(remote, 'a/b/', signal), ['a/b/c 5', 'a/b/d/e 7']);
      assert.deepEqual(await listAll(remote, 'a/b/c/', signal), []);
      assert.deepEqual(await listAll(remote, 'none/', signal), []);
      await remote.close?.();
    });

    it('replaces what is there, and removes it', async (place) => {
      const remote = await place.open();
      for (const text of ['first', 'second and longer', '3']) {
        await remote.put('runs/one', bodyOf(Buffer.from(text)), signal);
        await flush(remote);
        const other = await place.open();
        assert.equal((await readAll(await other.get('runs/one', signal))).toString(), text);
        assert.deepEqual(await listAll(other, 'runs/', signal), [`runs/one ${text.length}`]);
        await other.close?.();
      }
      await remote.remove('runs/one', signal);
      assert.equal(await remote.head('runs/one', signal), undefined);
      const other = await place.open();
      assert.equal(await other.head('runs/one', signal), undefined);
      await remote.put('runs/one', bodyOf(Buffer.from('again')), signal);
      await flush(remote);
      assert.deepEqual(await listAll(other, 'runs/', signal), ['runs/one 5']);
      await Promise.all([remote.close?.(), other.close?.()]);
    });

    it('lists more objects than come at once', async (place) => {
      const remote = await place.open();
      const keys = Array.from(
        { length: options.page === undefined ? 1100 : 3 * options.page - 1 },
        (_, i) => `runs/${String(i % 7)}/${String(i).padStart(4, '0')}`,
      );
      await Promise.all(keys.map((key) => remote.put(key, bodyOf(Buffer.from('x')), signal)));
      await flush(remote);
      const other = await place.open();
      assert.deepEqual(await listAll(other, 'runs/', signal), keys.map((key) => `${key} 1`).sort());
      await Promise.all([remote.close?.(), other.close?.()]);
    });

    it('does not show an object before its last byte', async (place) => {
      const remote = await place.open();
      const witness = await place.open();
      await remote.put('runs/other', bodyOf(Buffer.from('x')), signal);
      await flush(remote);
      for (const size of [200 * 1024, 12 * MIB].filter((one) => one <= largest)) {
        const bytes = seededBytes(size, 7 + size);
        const key = keyOf(bytes);
        const gate = Promise.withResolvers<void>();
        const reached = Promise.withResolvers<void>();
        async function* slowly(): AsyncGenerator<Uint8Array, void, undefined> {
          let sent = 0;
          for (const piece of piecesOf(bytes)) {
            if (sent + piece.length >= size) {
              reached.resolve();
              await gate.promise;
            }
            sent += piece.length;
            yield piece;
          }
        }
        const done = remote.put(
          key,
          { size, open: () => Readable.from(slowly(), { objectMode: false }) },
          signal,
        );
        await reached.promise;
        assert.equal(await witness.head(key, signal), undefined);
        await assert.rejects(witness.get(key, signal), { code: 'remote.object-missing' });
        gate.resolve();
        await done;
        if (remote.flush) assert.equal(await witness.head(key, signal), undefined);
        await flush(remote);
        assert.deepEqual(await witness.head(key, signal), { size });
      }
      await Promise.all([remote.close?.(), witness.close?.()]);
    });

    it('stops an upload when told to, and leaves nothing', async (place) => {
      const remote = await place.open();
      await remote.put('runs/other', bodyOf(Buffer.from('x')), signal);
      await flush(remote);
      for (const size of [300 * 1024, 12 * MIB].filter((one) => one <= largest)) {
        const stop = new AbortController();
        const bytes = seededBytes(size, 11);
        const key = keyOf(bytes);
        async function* half(): AsyncGenerator<Uint8Array, void, undefined> {
          let sent = 0;
          for (const piece of piecesOf(bytes)) {
            if (sent >= size / 2) stop.abort(new Error('the user said so'));
            sent += piece.length;
            yield piece;
          }
        }
        const body: Body = { size, open: () => Readable.from(half(), { objectMode: false }) };
        await assert.rejects(remote.put(key, body, stop.signal), /the user said so/);
        await flush(remote);
        assert.equal(await remote.head(key, signal), undefined);
        await remote.put(key, bodyOf(bytes), signal);
        await flush(remote);
        assert.deepEqual(await remote.head(key, signal), { size });
      }
      await remote.close?.();
    });

    it('does nothing for a signal that is already aborted', async (place) => {
      const remote = await place.open();
      const stopped = AbortSignal.abort(new Error('stopped before'));
      await assert.rejects(remote.put('runs/one', bodyOf(Buffer.from('x')), stopped), /stopped before/);
      await assert.rejects(remote.get('runs/one', stopped), /stopped before/);
      await remote.put('runs/two', bodyOf(Buffer.from('x')), signal);
      await flush(remote);
      assert.equal(await remote.head('runs/one', signal), undefined);
      await remote.close?.();
    });

    it('stops a download when told to', async (place) => {
      const remote = await place.open();
      const bytes = seededBytes(Math.min(largest, 12 * MIB), 13);
      const key = keyOf(bytes);
      await remote.put(key, bodyOf(bytes), signal);
      await flush(remote);
      const stop = new AbortController();
      const source = await remote.get(key, stop.signal);
      // A file is read, and stopped, by whoever was given it.
      if ('stream' in source) {
        await assert.rejects(async () => {
          for await (const _ of source.stream) stop.abort(new Error('enough'));
        });
      }
      assert.deepEqual(await remote.head(key, signal), { size: bytes.length });
      await remote.close?.();
    });

    it('goes on with a download that was cut where it stopped', async (place) => {
      const raw = await place.openRaw();
      const bytes = seededBytes(Math.min(largest, 12 * MIB), 37);
      const key = keyOf(bytes);
      await raw.put(key, bodyOf(bytes), signal);
      await raw.flush?.(signal);
      // A second object may come another way than the first one.
      for (let times = 0; times < 2; times++) {
        const came: number[] = [];
        const clock = { now: () => 0, sleep: async () => {} };
        const remote = retry(cutOnce(raw, bytes.length / 2, came), { clock, random: () => 0 });
        const source = await remote.get(key, signal);
        assert.ok((await readAll(source)).equals(bytes));
        // A file is copied by whoever was given it; else one byte comes twice.
        if ('stream' in source) assert.deepEqual(came.slice(1), [bytes.length - (came[0] ?? 0) + 1]);
      }
      await raw.close?.();
    });

    it('takes no bytes that are not what their key says', async (place) => {
      const remote = await place.open();
      await remote.put('runs/other', bodyOf(Buffer.from('x')), signal);
      for (const size of [0, 1000, 12 * MIB].filter((one) => one <= largest)) {
        const key = keyOf(seededBytes(size, 17));
        const wrong = Buffer.from(seededBytes(size + (size === 0 ? 1 : 0), 18));
        await assert.rejects(remote.put(key, { ...bodyOf(wrong), size }, signal), {
          code: 'transfer.changed',
          exit: 1,
        });
        const short = seededBytes(size + 5, 17).subarray(0, size);
        await assert.rejects(
          remote.put(keyOf(seededBytes(size + 5, 17)), { ...bodyOf(short), size: size + 5 }, signal),
          {
            code: 'transfer.changed',
          },
        );
        await flush(remote);
        assert.equal(await remote.head(key, signal), undefined);
      }
      await remote.close?.();
    });

    it('refuses to hand out an object whose bytes are wrong', async (place) => {
      const raw = await place.openRaw();
      for (const size of [1000, Math.min(12 * MIB, largest)]) {
        const key = keyOf(seededBytes(size, 19));
        const wrong = Buffer.from(seededBytes(size, 19));
        wrong[size - 1] = (wrong[size - 1] ?? 0) ^ 1;
        await raw.put(key, bodyOf(wrong), signal);
        await raw.flush?.(signal);
        const remote = await place.open();
        const source = await remote.get(key, signal);
        // A file is hashed by whoever was given it.
        if ('stream' in source) {
          const got: Uint8Array[] = [];
          await assert.rejects(
            async () => {
              for await (const chunk of source.stream as AsyncIterable<Uint8Array>) got.push(chunk);
            },
            { code: 'remote.corrupt', exit: 1, message: new RegExp(key) },
          );
          assert.ok(Buffer.concat(got).length < size, 'the last piece must not be handed out');
        }
        await remote.close?.();
      }
      await raw.close?.();
    });

    it('keeps one whole object when two write the same key', async (place) => {
      const [one, two] = [await place.open(), await place.open()];
      const bytes = [seededBytes(700_000, 23), seededBytes(700_001, 29)] as const;
      await Promise.all([
        one.put('runs/same', bodyOf(bytes[0]), signal),
        two.put('runs/same', bodyOf(bytes[1]), signal),
      ]);
      await Promise.all([flush(one), flush(two)]);
      const reader = await place.open();
      const got = await readAll(await reader.get('runs/same', signal));
      assert.ok(
        bytes.some((wanted) => wanted.equals(got)),
        `${got.length} bytes that nobody wrote`,
      );
      assert.deepEqual(await listAll(reader, 'runs/', signal), [`runs/same ${got.length}`]);
      await Promise.all([one.close?.(), two.close?.(), reader.close?.()]);
    });

    it('tells a hundred transfers at once apart', async (place) => {
      const remote = await place.open();
      const all = Array.from({ length: 100 }, (_, i) => seededBytes(1000 + i, 1000 + i));
      await Promise.all(all.map((bytes) => remote.put(keyOf(bytes), bodyOf(bytes), signal)));
      await flush(remote);
      const got = await Promise.all(
        all.map(async (bytes) => readAll(await remote.get(keyOf(bytes), signal))),
      );
      for (const [i, bytes] of all.entries()) assert.ok(got[i]?.equals(bytes));
      await remote.close?.();
    });
  });
}

/** A remote whose first stream breaks off behind so many bytes; `came` is told how many each stream gave. */
function cutOnce(remote: Remote, behind: number, came: number[]): Remote {
  async function* pieces(stream: Readable, turn: number): AsyncGenerator<Uint8Array, void, undefined> {
    let size = 0;
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      came[turn] = size += chunk.length;
      yield chunk;
      if (turn === 0 && size >= behind)
        throw new PipelineError('remote.unreachable', 'cut', { retryable: true });
    }
  }
  return {
    ...remote,
    async get(key, signal, from) {
      const source = await remote.get(key, signal, from);
      if ('file' in source) return source;
      const turn = came.push(0) - 1;
      return { ...source, stream: Readable.from(pieces(source.stream, turn), { objectMode: false }) };
    },
  };
}
