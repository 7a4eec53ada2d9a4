import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DIGITS } from '../generate/files.ts';
import { makeDataProject, recordData } from '../harness/data-project.ts';
import { countFiles } from '../harness/digest.ts';
import { ourStart, walk } from '../harness/references.ts';
import type { Bench, Scenario, Trial } from '../harness/trial.ts';

const scenario: Scenario = {
  title: 'status of a folder in which nothing changed',
  rounds: 9,
  diskBytes: () => 2e9,
  prepare(bench) {
    const sizes = bench.quick ? [2000, 7000, 10_000] : [20_000, 70_000, 100_000];
    return { trials: sizes.map((files) => unchanged(bench, files)), warmUp: 'round' };
  },
};

export default scenario;

function unchanged(bench: Bench, files: number): Trial {
  const folder = makeDataProject(bench, `of-${files}`, { shape: { ...DIGITS, files }, as: 'out' });
  recordData(bench, folder);
  const found = countFiles(join(folder, 'data'));
  if (found !== `${files} files`) throw new Error(`there are ${found}`);
  const [hidden] = [join(folder, 'data', '00', '000000.bin')];
  const seesNothing = (): boolean =>
    bench.run(bench.lockstep(folder, 'status', '--json')).stdout.includes('"fresh"');
  if (!seesNothing()) throw new Error('something is stale before anything changed');
  rmSync(hidden);
  if (seesNothing()) throw new Error('a file that is gone was not seen');
  bench.run(bench.lockstep(folder, 'checkout'));
  return {
    name: `${files} files`,
    contenders: [
      { name: 'lockstep', command: () => bench.lockstep(folder, 'status', '--quiet') },
      walk(join(folder, 'data')),
      ourStart(bench),
    ],
  };
}
