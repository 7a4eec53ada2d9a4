import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import type { Problem } from '../../src/base/error.ts';
import { sha256Hex } from '../../src/base/hash.ts';
import type { Artifact, RelPath } from '../../src/base/types.ts';
import { createJournal } from '../../src/execute/journal.ts';
import { processStart } from '../../src/io/process-id.ts';
import { MARK, RUNNER } from '../../src/io/process.ts';
import { resultOf } from '../record/rig.ts';
import { cleanEnv } from '../rig.ts';
import { DEAD, crashed, recordOf } from './crashed.ts';
import { leftovers } from './state.ts';
import { recover } from './trial.ts';

for (const [what, damage] of Object.entries<(text: string) => string>({
  'a damaged first line': (text) => text.replace('running', 'runnin9'),
  'a first line that was cut off': (text) => text.slice(0, 50),
  'nothing in it': () => '',
}))
  test(`a record with ${what} still ends the processes of its attempt, and what it moved aside is kept and told`, async (t) => {
    const rig = crashed();
    const journal = createJournal(rig.path('.lockstep'));
    writeFileSync(recordOf(rig), damage(readFileSync(recordOf(rig), 'utf8')));
    const stage = spawn('sleep', ['20'], { env: { ...cleanEnv(), [MARK]: DEAD }, stdio: 'ignore' });
    t.after(() => stage.kill('SIGKILL'));
    const ended = once(stage, 'exit');
    assert.equal(journal.orphans().length, 1);
    assert.equal(journal.orphans().length, 1, 'looking changes nothing');
    const told: Problem[] = [];
    await recover(rig, (event) => void (event.type === 'warned' && told.push(event.problem)));
    assert.deepEqual(await ended, [null, 'SIGTERM']);
    assert.equal(rig.read(`.lockstep/failed/${DEAD}/0/out`), 'old');
    assert.deepEqual(
      told.map(({ code, message }) => [code, message.includes(`.lockstep/failed/${DEAD}`)]),
      [['recover.damaged', true]],
    );
    assert.equal(rig.read('out'), 'half');
    assert.deepEqual(leftovers(rig.root), []);
    assert.deepEqual(journal.orphans(), []);
  });

test('the leader that a sound line names is ended, also when the first line is damaged', async (t) => {
  const rig = crashed();
  const stage = spawn('sleep', ['20'], { env: cleanEnv(), stdio: 'ignore', detached: true });
  t.after(() => stage.kill('SIGKILL'));
  const ended = once(stage, 'exit');
  const pid = stage.pid ?? 0;
  createJournal(rig.path('.lockstep')).started(DEAD, { pid, start: processStart(pid) ?? '' });
  writeFileSync(recordOf(rig), readFileSync(recordOf(rig), 'utf8').replace('running', 'runnin9'));
  await recover(rig);
  assert.deepEqual(await ended, [null, 'SIGTERM']);
});

for (const [when, isLeft] of [
  ['where nothing of the attempt lives', false],
  ['where another process of the attempt is ended', true],
] as const)
  test(`a process that has the pid of the dead leader, but started at another time, goes on ${when}`, async (t) => {
    const rig = crashed();
    const stranger = spawn('sleep', ['20'], { env: cleanEnv(), stdio: 'ignore', detached: true });
    t.after(() => stranger.kill('SIGKILL'));
    const ended = once(stranger, 'exit');
    const left = isLeft && spawn('sleep', ['20'], { env: { ...cleanEnv(), [MARK]: DEAD }, stdio: 'ignore' });
    t.after(() => left && left.kill('SIGKILL'));
    const leftEnded = left && once(left, 'exit');
    createJournal(rig.path('.lockstep')).started(DEAD, { pid: stranger.pid ?? 0, start: '1' });
    await recover(rig);
    assert.equal(rig.read('out'), 'old');
    if (leftEnded) assert.deepEqual(await leftEnded, [null, 'SIGTERM']);
    // Only the first signal that ends a process is told.
    stranger.kill('SIGKILL');
    assert.deepEqual(await ended, [null, 'SIGKILL']);
  });

test('a launcher that outlives its runner starts nothing any more once the outs are put back', async (t) => {
  const rig = crashed();
  const [owner = ''] = DEAD.split('.');
  const launcher = spawn('sleep', ['20'], { env: { ...cleanEnv(), [RUNNER]: owner }, stdio: 'ignore' });
  t.after(() => launcher.kill('SIGKILL'));
  const ended = once(launcher, 'exit');
  await recover(rig);
  assert.deepEqual(await ended, [null, 'SIGKILL']);
  assert.equal(rig.read('out'), 'old');
});

test('whoever holds the workspace cleans up after a runner that is not quite gone yet', async (t) => {
  const dying = spawn('sleep', ['20'], { stdio: 'ignore' });
  t.after(() => dying.kill('SIGKILL'));
  const id = `${dying.pid}-${processStart(dying.pid ?? 0)}.0`;
  const rig = crashed('out', id);
  const journal = createJournal(rig.path('.lockstep'));
  assert.deepEqual(journal.orphans(), [], 'to others it may be at work');
  await recover(rig);
  assert.equal(rig.read('out'), 'old');
  assert.deepEqual(leftovers(rig.root), []);
});

test('gc keeps what a runner that is not quite gone yet had made whole', async (t) => {
  const dying = spawn('sleep', ['20'], { stdio: 'ignore' });
  t.after(() => dying.kill('SIGKILL'));
  const id = `${dying.pid}-${processStart(dying.pid ?? 0)}.0`;
  const rig = crashed('out', id);
  const object = sha256Hex('new');
  rig.write(`.lockstep/files/sha256/${object.slice(0, 2)}/${object.slice(2)}`, 'new');
  const made: Artifact = { path: 'out' as RelPath, hash: `sha256:${object}`, kind: 'file', size: 3 };
  const result = { ...resultOf(), outs: [made] };
  await createJournal(rig.path('.lockstep')).intend(id, result, { durable: true });
  assert.equal((await rig.lockstep(['gc', '--delete'])).code, 0);
  assert.equal(rig.read(`.lockstep/files/sha256/${object.slice(0, 2)}/${object.slice(2)}`), 'new');
});
