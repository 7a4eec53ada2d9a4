import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { PipelineError } from '../../src/base/error.ts';
import type { Clock } from '../../src/io/clock.ts';
import { acquireMutex } from '../../src/io/mutex.ts';
import { processStart } from '../../src/io/process-id.ts';
import type { Holder, MutexMode } from '../../src/io/mutex.ts';
import { tempFolder } from '../record/rig.ts';

const dir = tempFolder();

interface Taking {
  readonly mode: MutexMode;
  readonly waitMs?: number;
  /** Called at each poll. */
  readonly onSleep?: () => void;
  readonly onWait?: (holder: Holder | undefined) => void;
  readonly signal?: AbortSignal;
}

function take(name: string, { mode, waitMs = 0, onSleep, onWait, signal }: Taking): Promise<Disposable> {
  const clock: Clock = {
    now: () => Date.parse('2026-03-17T10:30:00Z'),
    sleep: (_, aborting) => {
      onSleep?.();
      aborting?.throwIfAborted();
      return Promise.resolve();
    },
  };
  return acquireMutex({
    path: join(dir, `${name}.mutex`),
    mode,
    command: `lockstep ${mode}`,
    waitMs,
    clock,
    signal: signal ?? new AbortController().signal,
    onWait: onWait ?? (() => undefined),
  });
}

const TABLE: readonly (readonly [first: MutexMode, second: MutexMode, together: boolean])[] = [
  ['shared', 'shared', true],
  ['shared', 'exclusive', false],
  ['exclusive', 'shared', false],
  ['exclusive', 'exclusive', false],
];

for (const [first, second, together] of TABLE) {
  test(`${first} and ${second} ${together ? 'can' : 'cannot'} be held together`, async () => {
    const name = `${first}-${second}`;
    const held = await take(name, { mode: first });
    const attempt = take(name, { mode: second });
    if (together) (await attempt)[Symbol.dispose]();
    else await assert.rejects(attempt, { code: 'mutex.busy', exit: 3 });
    held[Symbol.dispose]();
    (await take(name, { mode: second }))[Symbol.dispose]();
  });
}

test('who waits gets it as soon as the holder lets go, and has been told once', async () => {
  const held = await take('wait', { mode: 'exclusive' });
  let polls = 0;
  const told: (readonly [holder: Holder | undefined, polls: number])[] = [];
  const second = await take('wait', {
    mode: 'exclusive',
    waitMs: 60_000,
    onSleep: () => {
      if (++polls === 20) held[Symbol.dispose]();
    },
    onWait: (holder) => told.push([holder, polls]),
  });
  assert.equal(polls, 20);
  // Our own note is not told: the holder here is this very process. One that names itself has half a second for it.
  assert.deepEqual(told, [[undefined, 10]]);
  second[Symbol.dispose]();
});

test('giving up takes as long as was asked for, and an abort ends the wait', async () => {
  using _held = await take('long', { mode: 'exclusive' });
  const open = (): number => readdirSync('/proc/self/fd').length;
  const before = open();
  let polls = 0;
  await assert.rejects(
    take('long', { mode: 'shared', waitMs: 1000, onSleep: () => polls++ }),
    (error: PipelineError) => {
      assert.equal(error.message, 'the project is in use by another process');
      return error.exit === 3;
    },
  );
  assert.equal(polls, 20);
  // SQLite may keep one for the next try.
  assert.ok(open() <= before + 1, 'no try leaves a file open');
  const controller = new AbortController();
  const waiting = take('long', {
    mode: 'shared',
    waitMs: 60_000,
    signal: controller.signal,
    onSleep: () => controller.abort(new Error('stop')),
  });
  await assert.rejects(waiting, { message: 'stop' });
  await assert.rejects(take('free', { mode: 'exclusive', signal: controller.signal }), { message: 'stop' });
});

test('a file that is no lock is told as such', async () => {
  writeFileSync(join(dir, 'junk.mutex'), 'x'.repeat(5000));
  await assert.rejects(take('junk', { mode: 'exclusive' }), { code: 'mutex.unusable', exit: 1 });
});

test('a path that is too long for a lock is told as such; the longest that is not is taken', async () => {
  const above = join('a'.repeat(200), 'b'.repeat(200));
  const fill = 504 - Buffer.byteLength(join(dir, above, '.mutex'));
  (await take(join(above, 'x'.repeat(fill)), { mode: 'exclusive' }))[Symbol.dispose]();
  const longer = take(join(above, 'x'.repeat(fill + 1)), { mode: 'exclusive' });
  await assert.rejects(longer, { code: 'disk.name-too-long', exit: 1 });
});

test('notes of who looks dead stay when someone waits: the holder may live in another container', async () => {
  using _held = await take('notes', { mode: 'exclusive' });
  writeFileSync(join(dir, 'notes.mutex.d', '1-1'), '{"command":"lockstep dead"}');
  await assert.rejects(take('notes', { mode: 'exclusive' }), { message: /by another process$/ });
  assert.ok(readdirSync(join(dir, 'notes.mutex.d')).includes('1-1'));
});

test('a damaged note of a living holder names nobody, and the wait ends as it should', async () => {
  using _held = await take('damaged', { mode: 'exclusive' });
  const parent = `${process.ppid}-${processStart(process.ppid)}`;
  writeFileSync(join(dir, 'damaged.mutex.d', parent), '{"owner":');
  await assert.rejects(take('damaged', { mode: 'exclusive' }), { code: 'mutex.busy', exit: 3 });
});

test('a lock whose holder cannot leave a note is held all the same, and leaves no file beside it', async () => {
  writeFileSync(join(dir, 'noteless.mutex.d'), 'in the way');
  {
    using _held = await take('noteless', { mode: 'exclusive' });
    assert.deepEqual(
      readdirSync(dir).filter((name) => name.startsWith('noteless')),
      ['noteless.mutex', 'noteless.mutex.d'],
    );
    await assert.rejects(take('noteless', { mode: 'shared' }), { code: 'mutex.busy' });
  }
  (await take('noteless', { mode: 'exclusive' }))[Symbol.dispose]();
});
