import assert from 'node:assert/strict';
import { processesOf } from '../execute/tools.ts';
import { copyProject, freshPlace } from './project.ts';
import type { Trial } from './points.ts';
import type { ShimMode, ShimOrder } from './shim.ts';
import { assertHealed, assertIntact, assertRecovered, disturbed, recover, tryOnce } from './trial.ts';
import type { Stage } from './trial.ts';

const TORN = /^(write|writeFile|appendFile|copyFile|rm) /;

/** What a stage that would run on waits for, in a scenario that has one. */
export const LINGER = 'linger';

/** Before and after a call that changes the disk, and half-way through one that has a half. */
export function killsAt(stage: Stage, call: string, order: Omit<ShimOrder, 'mode'>): readonly Trial[] {
  const modes: readonly ShimMode[] = [
    'kill-before',
    'kill-after',
    ...(TORN.test(call) ? ['torn' as const] : []),
  ];
  return modes.map((mode) => ({
    what: `${stage.scenario.name}, ${mode} ${order.at}: ${call}`,
    run: () => kill(stage, { ...order, mode }),
  }));
}

/** Kills a command; what it left must be intact, and be healed by the next command and by the cleaning up alone. */
function kill(stage: Stage, order: ShimOrder): Promise<boolean> {
  const what = `${order.mode} ${order.at}`;
  return tryOnce(stage, what, async (rig) => {
    const ran = await disturbed(rig, stage.scenario.args, order);
    const isKilled = ran.signal === 'SIGKILL';
    if (!isKilled) assert.equal(ran.code, 0, `${ran.signal}: ${ran.stderr}`);
    rig.remove(LINGER);
    await assertIntact(rig, stage);
    const twin = copyProject(rig.root, freshPlace(stage.folder, `recovered ${what}`));
    await assertHealed(rig, stage);
    assert.deepEqual(processesOf(rig), [], 'processes of stages');
    await recover(twin);
    await assertRecovered(twin, stage);
    twin.remove('.');
    await recover(rig);
    await assertRecovered(rig, stage);
    return isKilled;
  });
}
