import assert from 'node:assert/strict';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createClock } from '../../src/io/clock.ts';
import { isUnheldSince, markMutex, notesOf } from '../../src/io/mutex-mark.ts';
import { acquireMutex } from '../../src/io/mutex.ts';
import { tempFolder } from '../record/rig.ts';

const mutexPath = (): string => join(tempFolder(), 'workspace.mutex');

/** Takes the mutex and lets it go; says what its mark told when it was held. */
async function hold(path: string, mark = markMutex(path, createClock())): Promise<boolean> {
  let isUnheld: boolean | undefined;
  const held = await acquireMutex({
    path,
    mode: 'exclusive',
    command: 'test',
    waitMs: 0,
    clock: createClock(),
    signal: new AbortController().signal,
    onWait: () => undefined,
    onHeld: () => (isUnheld = isUnheldSince(path, mark)),
  });
  held[Symbol.dispose]();
  assert.notEqual(isUnheld, undefined);
  return isUnheld === true;
}

/** As if the last holder had gone an hour ago. */
function age(path: string): void {
  const then = new Date(Date.now() - 3_600_000);
  utimesSync(notesOf(path), then, then);
}

test('a mutex that nobody held since is told from one that somebody held, for however short', async () => {
  const path = mutexPath();
  const fresh = markMutex(path, createClock());
  assert.equal(await hold(path, fresh), true, 'nobody ever held it');
  assert.equal(await hold(path, fresh), false, 'held once since');
  age(path);
  const mark = markMutex(path, createClock());
  assert.equal(await hold(path, mark), true);
  assert.equal(await hold(path, mark), false);
});

test('a mutex that is held, or whose holder died, is not called quiet', async () => {
  const path = mutexPath();
  mkdirSync(notesOf(path));
  writeFileSync(join(notesOf(path), '1-dead'), '{}');
  age(path);
  assert.equal(await hold(path), false);
});

test('a mutex that was let go a moment ago is not called quiet: the next change might bear the same time', async () => {
  const path = mutexPath();
  mkdirSync(notesOf(path));
  const changedMs = Math.floor(Date.now() / 1000) * 1000 + 1;
  utimesSync(notesOf(path), changedMs / 1000, changedMs / 1000);
  for (const [laterMs, isQuiet] of [
    [0, false],
    [19, false],
    [21, true],
  ] as const)
    assert.equal(markMutex(path, createClock(changedMs + laterMs)).isQuiet, isQuiet, String(laterMs));
  // As file systems stamp that keep whole seconds.
  const secondMs = changedMs - 1;
  utimesSync(notesOf(path), secondMs / 1000, secondMs / 1000);
  assert.equal(markMutex(path, createClock(secondMs + 999)).isQuiet, false);
});
