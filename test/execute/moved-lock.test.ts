import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import test from 'node:test';
import { createRig } from '../rig.ts';
import type { Ran, Rig } from '../rig.ts';
import { makeFifo } from './tools.ts';

/** The lock of a teammate, with another state of the tracked input, and a stage of their own. */
interface Moved {
  readonly rig: Rig;
  readonly theirs: string;
}

const MINE = `data: [given]
stages:
  quick: { cmd: cat given > quick, deps: [given], outs: [quick] }
  slow: { cmd: echo ready; cat go in > slow, deps: [in], outs: [slow] }
`;
const THEIRS = `${MINE}  more: { cmd: echo more > more, outs: [more] }\n`;

/** A project that is as its lock says, but for the input of its slow stage. */
async function createMoved(): Promise<Moved> {
  const rig = createRig({ 'pipeline.yaml': MINE, given: 'old\n', in: '1\n' });
  makeFifo(rig.path('go'));
  await runSlow(rig);
  const mine = rig.read('pipeline.lock');
  rig.write('pipeline.yaml', THEIRS);
  rig.write('given', 'new\n');
  assert.equal((await rig.lockstep(['repro', 'quick', 'more'])).code, 0);
  const theirs = rig.read('pipeline.lock');
  rig.write('pipeline.yaml', MINE);
  rig.write('pipeline.lock', mine);
  assert.equal((await rig.lockstep(['checkout'])).code, 0);
  rig.write('in', '2\n');
  return { rig, theirs };
}

/** Runs the stage that waits, and does something in the midst of it. */
async function runSlow(rig: Rig, meanwhile: () => void = () => undefined): Promise<Ran> {
  const running = rig.start(['repro']);
  await running.seen('| ready');
  meanwhile();
  writeFileSync(rig.path('go'), '');
  return running.ended;
}

/** The lines of the lock from a stage's name to the next one's. */
function entryOf(lock: string, stage: string): string {
  return new RegExp(`^  ${stage}:\n(?:    .*\n)*`, 'm').exec(lock)?.[0] ?? '';
}

test('a lock that git moves while a run goes on keeps all but what the run made', async () => {
  const { rig, theirs } = await createMoved();
  const ran = await runSlow(rig, () => {
    rig.write('pipeline.yaml', THEIRS);
    rig.write('pipeline.lock', theirs);
  });
  assert.equal(ran.code, 0, ran.stderr);
  const lock = rig.read('pipeline.lock');
  assert.notEqual(entryOf(lock, 'slow'), entryOf(theirs, 'slow'));
  assert.equal(lock.replace(entryOf(lock, 'slow'), ''), theirs.replace(entryOf(theirs, 'slow'), ''));
  const next = await rig.lockstep(['repro']);
  assert.match(next.stderr, /^brought back given, as pipeline\.lock says/m);
  assert.match(next.stderr, /^3 stages: \d restored, \d fresh/m);
  assert.deepEqual([rig.read('quick'), rig.read('slow')], ['new\n', '2\n']);
  assert.equal(rig.read('pipeline.lock'), lock);
});

test('a lock that cannot be read when a run ends stays as it is, and the next command records what the run made', async () => {
  const { rig, theirs } = await createMoved();
  const conflict = `<<<<<<< HEAD\n${theirs}=======\n>>>>>>> theirs\n`;
  const ran = await runSlow(rig, () => rig.write('pipeline.lock', conflict));
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /^error\[lock\.conflict\]/m);
  assert.equal(rig.read('pipeline.lock'), conflict);
  rig.write('pipeline.lock', theirs);
  const next = await rig.lockstep(['repro']);
  assert.match(next.stderr, /^slow +recovered +completed/m);
  assert.match(next.stderr, /^2 stages: 1 restored, 1 fresh/m);
  assert.deepEqual([rig.read('quick'), rig.read('slow')], ['new\n', '2\n']);
});
