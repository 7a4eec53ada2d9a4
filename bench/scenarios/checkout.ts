import { join } from 'node:path';
import { PICTURES, bytesOf, generateFiles, scaleDown } from '../generate/files.ts';
import { makeDataProject, objectsOf, recordData } from '../harness/data-project.ts';
import { countFiles, digestFolder } from '../harness/digest.ts';
import { shell } from '../harness/project.ts';
import type { Bench, Contender, Scenario, Trial } from '../harness/trial.ts';

const scenario: Scenario = {
  title: 'a folder that is gone comes back: by link (outs), by copy (tracked inputs)',
  rounds: 3,
  diskBytes: (quick, rounds) => ((8 + 2 * rounds) * bytesOf(PICTURES)) / (quick ? 10 : 1),
  touchedBytes: (quick) => (2 * bytesOf(PICTURES)) / (quick ? 10 : 1),
  prepare(bench) {
    const shape = bench.quick ? scaleDown(PICTURES) : PICTURES;
    const source = join(bench.dir, 'source');
    generateFiles(source, shape);
    const out = makeDataProject(bench, 'linked', { shape, as: 'out' });
    const input = makeDataProject(bench, 'copied', { shape, as: 'input' });
    for (const folder of [out, input]) recordData(bench, folder);
    return {
      trials: [
        trialOf(bench, { name: 'link', folder: out, line: 'cp -rl source copy' }),
        trialOf(bench, { name: 'copy', folder: input, line: 'cp -r source copy && sync -f copy' }),
      ],
      warmUp: 'round',
    };
  },
};

export default scenario;

function trialOf(
  bench: Bench,
  { name, folder, line }: { name: string; folder: string; line: string },
): Trial {
  const made = async (path: string): Promise<string> => `${countFiles(path)}, ${await digestFolder(path)}`;
  const cp: Contender = {
    name: 'cp',
    reads: join(bench.dir, 'source'),
    before: () => bench.discard(join(bench.dir, 'copy')),
    command: () => shell(bench.dir, line),
    check: () => made(join(bench.dir, 'copy')),
  };
  return {
    name,
    contenders: [
      {
        name: 'lockstep',
        reads: objectsOf(folder),
        before: () => bench.discard(join(folder, 'data')),
        command: () => bench.lockstep(folder, 'checkout'),
        check: () => made(join(folder, 'data')),
      },
      cp,
    ],
  };
}
