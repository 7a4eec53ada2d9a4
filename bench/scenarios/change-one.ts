import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GIANTS, PICTURES, bytesOf, filePath, generateFiles, scaleDown } from '../generate/files.ts';
import type { Shape } from '../generate/files.ts';
import { makeDataProject, objectsOf, recordData } from '../harness/data-project.ts';
import { countFiles, listFiles } from '../harness/digest.ts';
import { hashAndFlush, walk } from '../harness/references.ts';
import type { Bench, Contender, Scenario, Trial } from '../harness/trial.ts';

const scenario: Scenario = {
  title: 'recording a folder in which one file is another',
  rounds: 5,
  // Each round leaves a file of 1 GiB in the cache.
  diskBytes: (quick, rounds) =>
    (4 * bytesOf(PICTURES) + (1.75 + rounds / 4) * bytesOf(GIANTS)) / (quick ? 8 : 1),
  prepare(bench) {
    const pictures = bench.quick ? scaleDown(PICTURES) : PICTURES;
    const giants = bench.quick ? scaleDown(GIANTS) : GIANTS;
    return {
      trials: [
        changed(bench, 'out pictures', { shape: pictures, as: 'out' }),
        changed(bench, 'input pictures', { shape: pictures, as: 'input' }),
        changed(bench, 'out giants', { shape: giants, as: 'out' }),
      ],
      warmUp: 'round',
    };
  },
};

export default scenario;

interface Kind {
  readonly shape: Shape;
  readonly as: 'out' | 'input';
}

function changed(bench: Bench, name: string, { shape, as }: Kind): Trial {
  const folder = makeDataProject(bench, name.replace(' ', '-'), { shape, as });
  recordData(bench, folder);
  const one = filePath(join(folder, 'data'), shape, 3);
  const large = shape.maxSize > 1e7;
  let seed = 100;
  let objects = 0;
  const contenders: Contender[] = [
    {
      name: 'lockstep',
      before: () => {
        objects = listFiles(objectsOf(folder)).length;
        replaceFile(bench, one, { shape, seed: seed++ });
      },
      command: () => bench.lockstep(folder, as === 'out' ? 'commit' : 'repro'),
      check: () => {
        // The file and the folder's manifest, nothing else.
        const added = listFiles(objectsOf(folder)).length - objects;
        if (added !== 2) throw new Error(`${added} objects came into the cache instead of 2`);
        return countFiles(join(folder, 'data'));
      },
    },
    walk(join(folder, 'data')),
  ];
  if (large) {
    const alone = join(bench.dir, 'alone');
    mkdirSync(alone);
    generateFiles(alone, { ...shape, files: 1 });
    contenders.push({ name: 'hash', command: () => hashAndFlush(bench, alone) });
  }
  return { name, contenders };
}

function replaceFile(bench: Bench, path: string, { shape, seed }: { shape: Shape; seed: number }): void {
  const folder = join(bench.dir, 'replacement');
  generateFiles(folder, { ...shape, files: 1, folders: 1 }, seed);
  rmSync(path);
  const made = filePath(folder, { ...shape, folders: 1 }, 0);
  if (shape.maxSize > 1e7) bench.run({ argv: ['mv', made, path], cwd: folder });
  else writeFileSync(path, readFileSync(made));
}
