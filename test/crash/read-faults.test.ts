import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { failAt } from './failures.ts';
import { SCENARIOS, copyProject, freshPlace } from './project.ts';
import type { Scenario } from './project.ts';
import { assertTried, runTrials } from './points.ts';
import type { Trial } from './points.ts';
import { sampleOf, seedOf } from './seeded.ts';
import { countCalls } from './trial.ts';
import type { Stage } from './trial.ts';

const SAMPLE = 12;

/** What reading can fail with (open(2), read(2)). */
const CODES: readonly (readonly [calls: RegExp, codes: readonly string[]])[] = [
  [/^(open|readdir) /, ['EIO', 'EMFILE', 'EACCES']],
  [/^readFile /, ['EIO', 'EMFILE', 'EACCES']],
  [/^/, ['EIO']],
];

/** Nothing is known of any file, so that every object is read before it is used. */
function forgetful(name: string): Scenario {
  const scenario = SCENARIOS.find((one) => one.name === name);
  assert.ok(scenario);
  return {
    ...scenario,
    name: `${name}, knowing no file`,
    async prepare(rig, run) {
      await scenario.prepare(rig, run);
      rig.remove('.lockstep/memo');
    },
  };
}

const READERS = ['a repro that restores', 'checkout', 'commit', 'push', 'gc --delete'].map(forgetful);

async function faultsOf(stage: Stage): Promise<readonly Trial[]> {
  const twin = copyProject(stage.origin.root, freshPlace(stage.folder, 'reading'));
  const log = join(stage.folder, 'reads');
  const { calls } = await countCalls(twin, stage.scenario.args, { log, reads: true });
  assert.ok(calls.length > 10, `${stage.scenario.name} has only ${calls.length} reads`);
  return calls.flatMap((call, index) =>
    (CODES.find(([one]) => one.test(call))?.[1] ?? []).map((code) => ({
      what: `${stage.scenario.name}, ${code} at read ${index + 1}: ${call}`,
      run: () => failAt(stage, code, { at: index + 1, reads: true }),
    })),
  );
}

test('whichever read fails, and however, the error is told and no good object is taken for a bad one', async (t) => {
  const seed = seedOf(process.env);
  const done = await runTrials(faultsOf, {
    seed,
    sample: sampleOf(process.env, SAMPLE),
    only: process.env['LOCKSTEP_SCENARIO'],
    scenarios: READERS,
  });
  const { tried, met, failures } = done;
  t.diagnostic(`LOCKSTEP_SEED=${seed}: ${tried} points, ${met} faults, ${failures.length} failures`);
  assertTried(done, seed);
});
