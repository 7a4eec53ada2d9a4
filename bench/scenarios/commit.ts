import { join } from 'node:path';
import { GIANTS, PICTURES, bytesOf, scaleDown } from '../generate/files.ts';
import type { Shape } from '../generate/files.ts';
import { forgetData, makeDataProject, objectsOf } from '../harness/data-project.ts';
import { countFiles, digestFolder } from '../harness/digest.ts';
import { hashAndFlush } from '../harness/references.ts';
import type { Bench, Scenario, Trial } from '../harness/trial.ts';

const scenario: Scenario = {
  title: 'taking over what a stage made, which only renamed it: hash, cache, lock',
  rounds: 3,
  diskBytes: (quick) => (bytesOf(PICTURES) + bytesOf(GIANTS)) / (quick ? 8 : 0.8),
  prepare(bench) {
    const sized = (shape: Shape): Shape => (bench.quick ? scaleDown(shape) : shape);
    return {
      trials: [trialOf(bench, 'pictures', sized(PICTURES)), trialOf(bench, 'giants', sized(GIANTS))],
      warmUp: 'round',
    };
  },
};

export default scenario;

function trialOf(bench: Bench, name: string, shape: Shape): Trial {
  const folder = makeDataProject(bench, name, { shape, as: 'out' });
  const prepared = join(folder, 'prepared');
  const before = (): void => forgetData(bench, folder);
  let content: string | undefined;
  return {
    name,
    contenders: [
      {
        name: 'lockstep',
        before,
        command: () => bench.lockstep(folder, 'repro'),
        check: async () => {
          content ??= await digestFolder(join(folder, 'data'));
          if ((await digestFolder(objectsOf(folder))) !== content)
            throw new Error('the cache holds something else');
          return countFiles(join(folder, 'data'));
        },
      },
      {
        name: 'floor',
        before,
        command: () => hashAndFlush(bench, prepared),
        check: ({ stdout }) => `${stdout.trim()} files`,
      },
    ],
  };
}
