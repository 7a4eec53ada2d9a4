import test from 'node:test';
import { failAt } from './failures.ts';
import { assertTried, runTrials } from './points.ts';
import type { Trial } from './points.ts';
import { sampleOf, seedOf } from './seeded.ts';
import type { Stage } from './trial.ts';

const SAMPLE = 24;

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

test('whichever call of the disk fails, and however, the error is told, nothing is lost and the next command is fine', async (t) => {
  const seed = seedOf(process.env);
  const done = await runTrials(faultsOf, {
    seed,
    sample: sampleOf(process.env, SAMPLE),
    only: process.env['LOCKSTEP_SCENARIO'],
  });
  const { tried, met, failures } = done;
  t.diagnostic(`LOCKSTEP_SEED=${seed}: ${tried} points, ${met} faults, ${failures.length} failures`);
  assertTried(done, seed);
});
