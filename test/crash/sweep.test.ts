import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { copyProject, freshPlace } from './project.ts';
import type { Scenario } from './project.ts';
import { failAt } from './failures.ts';
import { interruptsAt } from './interrupts.ts';
import { LINGER, killsAt } from './kills.ts';
import { assertTried, runTrials } from './points.ts';
import type { Trial } from './points.ts';
import { sampleOf, seedOf } from './seeded.ts';
import { countCalls, createStage } from './trial.ts';
import type { Stage } from './trial.ts';

const KILLS = 40;
const FAULTS = 24;
const INTERRUPTS = 16;
const SEED = seedOf(process.env);

/** No command of the scenarios does with fewer changes of the disk, the memo not counted; a shim that sees nothing would find none. */
const FEWEST_CALLS = 10;

function killsOf(stage: Stage): readonly Trial[] {
  const { calls, scenario } = stage;
  assert.ok(calls.length >= FEWEST_CALLS, `${scenario.name} has only ${calls.length} calls`);
  return calls.flatMap((call, index) => killsAt(stage, call, { at: index + 1 }));
}

async function tryAll(
  t: TestContext,
  trialsOf: (stage: Stage) => readonly Trial[],
  sample: number,
): Promise<void> {
  const done = await runTrials(trialsOf, {
    seed: SEED,
    sample: sampleOf(process.env, sample),
    only: process.env['LOCKSTEP_SCENARIO'],
  });
  const { tried, met, failures } = done;
  t.diagnostic(`LOCKSTEP_SEED=${SEED}: ${tried} points, ${met} met, ${failures.length} failures`);
  assertTried(done, SEED);
}

test('killed before, in or after any change of the disk, nothing is lost and the next command ends as if undisturbed', (t) =>
  tryAll(t, killsOf, KILLS));

/** What each kind of call can fail with (open(2), write(2), rename(2), fsync(2) and so on). */
const CODES: readonly (readonly [calls: RegExp, codes: readonly string[]])[] = [
  [/^open /, ['EMFILE', 'ENOSPC', 'EACCES', 'EROFS', 'EIO']],
  [/^write /, ['short', 'ENOSPC', 'EIO']],
  [/^(writeFile|appendFile|copyFile|cp) /, ['ENOSPC', 'EIO', 'EMFILE', 'EACCES', 'EROFS']],
  [/^(rename|link|mkdir) /, ['ENOSPC', 'EACCES', 'EROFS', 'EIO']],
  [/^(fsync|fdatasync|syncfs) /, ['EIO', 'ENOSPC']],
  [/^/, ['EACCES', 'EROFS', 'EIO']],
];

function faultsOf(stage: Stage): readonly Trial[] {
  return stage.calls.flatMap((call, index) => {
    const codes = CODES.find(([calls]) => calls.test(call))?.[1] ?? [];
    return codes.map((code) => ({
      what: `${stage.scenario.name}, ${code} at ${index + 1}: ${call}`,
      run: () => failAt(stage, code, { at: index + 1 }),
    }));
  });
}

test('whichever call of the disk fails, and however, the error is told, nothing is lost and the next command is fine', (t) =>
  tryAll(t, faultsOf, FAULTS));

const interruptsOf = (stage: Stage): readonly Trial[] =>
  stage.calls.flatMap((call, index) => interruptsAt(stage, call, index + 1));

test('at whichever call Ctrl-C comes, the command ends with 130 and leaves nothing to clean up, and the next one is as if undisturbed', (t) =>
  tryAll(t, interruptsOf, INTERRUPTS));

/** While one stage would run for a minute, another one, which waits until it does, is taken in. */
const LONG: Scenario = {
  name: 'a repro beside a stage that would run on',
  args: ['repro', '--jobs', '2'],
  files: {
    'pipeline.yaml': `stages:
  long:
    cmd: if test -e ${LINGER}; then echo > begun; exec sleep 60; fi; echo > long.txt
    outs: [long.txt]
  quick:
    cmd: if test -e ${LINGER}; then until test -e begun; do sleep 0.01; done; fi; echo > quick.txt
    outs: [quick.txt]
`,
  },
  outs: ['long.txt', 'quick.txt'],
  prepare: async () => {},
};
const WHERE = 'quick.txt';

test('a stage that would run on for long ends with its runner', async (t) => {
  const stage = await createStage(LONG);
  try {
    const twin = copyProject(stage.origin.root, freshPlace(stage.folder, 'counted'));
    const log = join(stage.folder, 'calls of quick');
    const { calls } = await countCalls(twin, LONG.args, { log, where: WHERE });
    assert.ok(calls.length > 0);
    stage.origin.write(LINGER, '');
    const trials = calls.flatMap((call, index) => killsAt(stage, call, { at: index + 1, where: WHERE }));
    const count = sampleOf(process.env, 2) ?? trials.length;
    for (const trial of trials.slice(0, count)) assert.equal(await trial.run(), true, trial.what);
    t.diagnostic(`${Math.min(count, trials.length)} kills`);
  } finally {
    stage.close();
  }
});
