import assert from 'node:assert/strict';
import test from 'node:test';
import { processesOf } from '../execute/tools.ts';
import { copyProject, freshPlace } from './project.ts';
import { formatFailures, runTrials } from './points.ts';
import type { Trial } from './points.ts';
import { sampleOf, seedOf } from './seeded.ts';
import type { ShimMode } from './shim.ts';
import { assertHealed, assertIntact, assertRecovered, disturbed, recover, tryOnce } from './trial.ts';
import type { Stage } from './trial.ts';

const SAMPLE = 40;
const TORN = /^(write|writeFile|appendFile|copyFile|rm) /;

/** Before and after every call that changes the disk, and half-way through those that have a half. */
function killsOf(stage: Stage): readonly Trial[] {
  return stage.calls.flatMap((call, index) => {
    const modes: readonly ShimMode[] = [
      'kill-before',
      'kill-after',
      ...(TORN.test(call) ? ['torn' as const] : []),
    ];
    return modes.map((mode) => ({
      what: `${stage.scenario.name}, ${mode} ${index + 1}: ${call}`,
      run: () => kill(stage, { mode, at: index + 1 }),
    }));
  });
}

async function kill(
  stage: Stage,
  { mode, at }: { readonly mode: ShimMode; readonly at: number },
): Promise<void> {
  await tryOnce(stage, `${mode} ${at}`, async (rig) => {
    const ran = await disturbed(rig, stage.scenario.args, { mode, at });
    // Calls come in another order when stages end in another order: the last ones may not be reached.
    if (ran.signal !== 'SIGKILL') assert.equal(ran.code, 0, ran.stderr);
    await assertIntact(rig, stage);
    const twin = copyProject(rig.root, freshPlace(stage.folder, `recovered-${mode}-${at}`));
    await assertHealed(rig, stage);
    assert.deepEqual(processesOf(rig), [], 'processes of stages');
    await recover(twin);
    await assertRecovered(twin, stage);
    twin.remove('.');
    await recover(rig);
    await assertRecovered(rig, stage);
  });
}

test('killed before, in or after any change of the disk, nothing is lost and the next command ends as if undisturbed', async (t) => {
  const seed = seedOf(process.env);
  const { tried, failures } = await runTrials(killsOf, {
    seed,
    sample: sampleOf(process.env, SAMPLE),
    only: process.env['LOCKSTEP_SCENARIO'],
  });
  t.diagnostic(`LOCKSTEP_SEED=${seed}: ${tried} kills, ${failures.length} failures`);
  assert.equal(failures.length, 0, `LOCKSTEP_SEED=${seed}\n${formatFailures(failures)}`);
  assert.ok(tried > 0, 'nothing was tried');
});
