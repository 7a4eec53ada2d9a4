import assert from 'node:assert/strict';
import test from 'node:test';
import { processesOf } from '../execute/tools.ts';
import { formatFailures, runTrials } from './points.ts';
import type { Trial } from './points.ts';
import { sampleOf, seedOf } from './seeded.ts';
import type { ShimOrder } from './shim.ts';
import { readState } from './state.ts';
import { assertHealed, assertIntact, assertRecovered, disturbed, recover, tryOnce } from './trial.ts';
import type { Stage } from './trial.ts';

const SAMPLE = 24;

/** What each kind of call can fail with (open(2), write(2), rename(2), fsync(2) and so on). */
const CODES: readonly (readonly [calls: RegExp, codes: readonly string[]])[] = [
  [/^open /, ['EMFILE', 'ENOSPC', 'EACCES', 'EROFS', 'EIO']],
  [/^write /, ['short', 'ENOSPC', 'EIO']],
  [/^(writeFile|appendFile|copyFile|cp) /, ['ENOSPC', 'EIO', 'EMFILE', 'EACCES', 'EROFS']],
  [/^(rename|link|mkdir) /, ['ENOSPC', 'EACCES', 'EROFS', 'EIO']],
  [/^(fsync|fdatasync) /, ['EIO', 'ENOSPC']],
  [/^/, ['EACCES', 'EROFS', 'EIO']],
];

function faultsOf(stage: Stage): readonly Trial[] {
  return stage.calls.flatMap((call, index) => {
    const codes = CODES.find(([calls]) => calls.test(call))?.[1] ?? [];
    return codes.map((code) => ({
      what: `${stage.scenario.name}, ${code} at ${index + 1}: ${call}`,
      run: () => fail(stage, code, index + 1),
    }));
  });
}

async function fail(stage: Stage, code: string, at: number): Promise<void> {
  const order: ShimOrder = code === 'short' ? { mode: 'short', at } : { mode: 'fault', at, code };
  await tryOnce(stage, `${code} ${at}: ${stage.calls[at - 1] ?? ''}`, async (rig) => {
    const ran = await disturbed(rig, stage.scenario.args, order);
    const said = `${ran.stdout}${ran.stderr}`;
    assert.equal(ran.signal, null, `it hung: ${said}`);
    assert.doesNotMatch(said, /internal\.bug|^\s+at /m);
    if (ran.code === 0) await assertDone(rig.root, stage, said);
    else {
      assert.equal(ran.code, 1, said);
      assert.match(ran.stderr, /^error\[[a-z-]+\.[a-z-]+\]: ./m);
    }
    await assertIntact(rig, stage);
    assert.deepEqual(processesOf(rig), [], 'processes of stages');
    await assertHealed(rig, stage);
    await recover(rig);
    await assertRecovered(rig, stage);
  });
}

/** A command that says it has ended well has done all of its work. */
async function assertDone(root: string, { after }: Stage, said: string): Promise<void> {
  const now = await readState(root);
  assert.equal(now.lock, after.lock, `it ended well, but: ${said}`);
  assert.deepEqual([...now.outs], [...after.outs], `it ended well, but: ${said}`);
  for (const shelf of ['cache', 'remote'] as const)
    assert.deepEqual(
      after[shelf].filter((name) => !now[shelf].includes(name)),
      [],
      `it ended well, but: ${said}`,
    );
}

test('whichever call of the disk fails, and however, the error is told, nothing is lost and the next command is fine', async (t) => {
  const seed = seedOf(process.env);
  const { tried, failures } = await runTrials(faultsOf, {
    seed,
    sample: sampleOf(process.env, SAMPLE),
    only: process.env['LOCKSTEP_SCENARIO'],
  });
  t.diagnostic(`LOCKSTEP_SEED=${seed}: ${tried} faults, ${failures.length} failures`);
  assert.equal(failures.length, 0, `LOCKSTEP_SEED=${seed}\n${formatFailures(failures)}`);
  assert.ok(tried > 0, 'nothing was tried');
});
