import assert from 'node:assert/strict';
import { join } from 'node:path';
import { processesOf } from '../execute/tools.ts';
import { textOf } from './project.ts';
import type { ShimOrder } from './shim.ts';
import { readState } from './state.ts';
import { assertHealed, assertIntact, assertRecovered, disturbed, recover, tryOnce } from './trial.ts';
import type { Stage } from './trial.ts';

/**
 * Fails one call of a command with a system's code, or cuts a write `short`: the error is told, or the work is done all the
 * same; nothing good is taken out of cache or remote, and the next command ends as if undisturbed. Resolves with
 * whether the call came.
 */
export function failAt(
  stage: Stage,
  code: string,
  where: Omit<ShimOrder, 'mode' | 'code'>,
): Promise<boolean> {
  const what = `${code} ${where.at}${where.reads ? ' of the reads' : ''}`;
  return tryOnce(stage, what, async (rig) => {
    const log = join(stage.folder, `met ${what}`);
    const order: ShimOrder =
      code === 'short' ? { ...where, mode: 'short', log } : { ...where, mode: 'fault', code, log };
    const ran = await disturbed(rig, stage.scenario.args, order);
    const said = `${textOf(log)}${ran.stdout}${ran.stderr}`;
    assert.equal(ran.signal, null, `it hung: ${said}`);
    assert.doesNotMatch(said, /internal\.bug|^\s+at /m);
    // What cannot be made read-only, or one file with its object, stays its user's to write.
    const rights = ran.code !== 0 || !/^\d+ (f?chmod|link|rename) /.test(said);
    if (ran.code === 0) await assertDone(rig.root, stage, { said, rights });
    else {
      // A file of the user's own that cannot be read is for the user to mend.
      assert.ok(ran.code === 1 || (where.reads && ran.code === 2), said);
      assert.match(ran.stderr, /^error\[[a-z-]+\.[a-z-]+\]: ./m);
    }
    await assertIntact(rig, stage);
    await assertKept(rig.root, stage, said);
    assert.deepEqual(processesOf(rig), [], 'processes of stages');
    await assertHealed(rig, stage, rights);
    await recover(rig);
    await assertRecovered(rig, stage);
    return textOf(log) !== '';
  });
}

/** A command that says it has ended well has done all of its work. */
export async function assertDone(
  root: string,
  { scenario, after }: Stage,
  { said, rights }: { readonly said: string; readonly rights: boolean },
): Promise<void> {
  const now = await readState(root, scenario.outs);
  assert.equal(now.lock, after.lock, `it ended well, but: ${said}`);
  assert.deepEqual([...now.outs], [...after.outs], `it ended well, but: ${said}`);
  if (rights) assert.deepEqual([...now.rights], [...after.rights], `it ended well, but: ${said}`);
  for (const shelf of ['cache', 'remote'] as const)
    assert.deepEqual(
      after[shelf].filter((name) => !now[shelf].includes(name)),
      [],
      `it ended well, but: ${said}`,
    );
}

/** What was good before and is wanted after is still there. */
async function assertKept(root: string, { scenario, before, after }: Stage, said: string): Promise<void> {
  const now = await readState(root, scenario.outs);
  for (const shelf of ['cache', 'remote'] as const)
    assert.deepEqual(
      before[shelf].filter((name) => after[shelf].includes(name) && !now[shelf].includes(name)),
      [],
      `it was lost: ${said}`,
    );
}
