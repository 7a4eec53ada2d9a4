import assert from 'node:assert/strict';
import { join } from 'node:path';
import { processesOf } from '../execute/tools.ts';
import { assertDone } from './failures.ts';
import { textOf } from './project.ts';
import type { Trial } from './points.ts';
import { leftovers } from './state.ts';
import { assertHealed, assertIntact, assertRecovered, disturbed, recover, tryOnce } from './trial.ts';
import type { Stage } from './trial.ts';

/** One Ctrl-C at a call that changes the disk, and two, of which the second is not waited for. */
export function interruptsAt(stage: Stage, call: string, at: number): readonly Trial[] {
  return [1, 2].map((times) => ({
    what: `${stage.scenario.name}, interrupted ${times} x at ${at}: ${call}`,
    run: () => interrupt(stage, at, times),
  }));
}

/**
 * Interrupts a command: it ends with 130, or was as good as done; after one signal it has cleaned up itself. Resolves with
 * whether the call came.
 */
function interrupt(stage: Stage, at: number, times: number): Promise<boolean> {
  const what = `interrupted ${times} x at ${at}`;
  return tryOnce(stage, what, async (rig) => {
    const log = join(stage.folder, `met ${what}`);
    const ran = await disturbed(rig, stage.scenario.args, { mode: 'interrupt', times, at, log });
    const said = `${ran.signal} ${ran.code}: ${textOf(log)}${ran.stdout}${ran.stderr}`;
    assert.ok(ran.code === 130 || ran.code === 0, said);
    assert.doesNotMatch(said, /error\[(?!run\.interrupted)|^\s+at /m);
    if (ran.code === 0) await assertDone(rig.root, stage, { said, rights: true });
    await assertIntact(rig, stage);
    if (times === 1) assert.deepEqual(leftovers(rig.root), [], said);
    await assertHealed(rig, stage);
    assert.deepEqual(processesOf(rig), [], 'processes of stages');
    await recover(rig);
    await assertRecovered(rig, stage);
    return textOf(log) !== '';
  });
}
