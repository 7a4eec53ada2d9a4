import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { GIANTS, PICTURES, bytesOf, scaleDown } from '../generate/files.ts';
import type { Shape } from '../generate/files.ts';
import { forgetData, forgetLinked, makeDataProject, objectsOf } from '../harness/data-project.ts';
import { countFiles, digestFolder } from '../harness/digest.ts';
import type { Command } from '../harness/measure.ts';
import { hashAndFlush } from '../harness/references.ts';
import type { Bench, Contender, Scenario, Trial } from '../harness/trial.ts';

const scenario: Scenario = {
  title: 'taking over what a stage made, which only renamed it, and what stands there: hash, cache, lock',
  rounds: 3,
  diskBytes: (quick) => (bytesOf(PICTURES) + bytesOf(GIANTS)) / (quick ? 4 : 0.4),
  touchedBytes: (quick) => bytesOf(GIANTS) / (quick ? 16 : 1),
  prepare(bench) {
    const sized = (shape: Shape): Shape => (bench.quick ? scaleDown(shape) : shape);
    const [pictures, giants] = [sized(PICTURES), sized(GIANTS)];
    return {
      trials: [
        madeByStage(bench, 'pictures', pictures),
        madeByStage(bench, 'giants', giants),
        standing(bench, 'standing pictures', pictures),
        standing(bench, 'standing giants', giants),
      ],
      warmUp: 'round',
    };
  },
};

export default scenario;

/** `repro` of a stage that has its out ready. */
function madeByStage(bench: Bench, name: string, shape: Shape): Trial {
  const folder = makeDataProject(bench, name, { shape, as: 'out' });
  return trialOf(bench, name, {
    folder,
    before: () => forgetData(bench, folder),
    hashed: 'prepared',
    command: bench.lockstep(folder, 'repro'),
  });
}

/** `commit` of an out that somebody has put there: no stage runs. */
function standing(bench: Bench, name: string, shape: Shape): Trial {
  const folder = makeDataProject(bench, name.replace(' ', '-'), { shape, as: 'out' });
  renameSync(join(folder, 'prepared'), join(folder, 'data'));
  return trialOf(bench, name, {
    folder,
    before: () => {
      forgetLinked(folder);
      bench.run({ argv: ['chmod', '-R', 'u+w', 'data'], cwd: folder });
    },
    hashed: 'data',
    command: bench.lockstep(folder, 'commit'),
  });
}

interface Taking {
  readonly folder: string;
  readonly before: () => void;
  /** Where the data is before ours begins. */
  readonly hashed: string;
  readonly command: Command;
}

function trialOf(bench: Bench, name: string, { folder, before, hashed, command }: Taking): Trial {
  let content: string | undefined;
  const ours: Contender = {
    name: 'lockstep',
    before,
    reads: join(folder, hashed),
    command: () => command,
    check: async () => {
      content ??= await digestFolder(join(folder, 'data'));
      if ((await digestFolder(objectsOf(folder))) !== content)
        throw new Error('the cache holds something else');
      return countFiles(join(folder, 'data'));
    },
  };
  const floor: Contender = {
    name: 'floor',
    before,
    reads: join(folder, hashed),
    command: () => hashAndFlush(bench, join(folder, hashed)),
    check: ({ stdout }) => `${stdout.trim()} files`,
  };
  return { name, contenders: [ours, floor] };
}
