import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PICTURES, bytesOf, generateFiles, scaleDown } from '../generate/files.ts';
import { makeDataProject, objectsOf, recordData } from '../harness/data-project.ts';
import { digestFolder } from '../harness/digest.ts';
import { shell } from '../harness/project.ts';
import type { Scenario } from '../harness/trial.ts';

const scenario: Scenario = {
  title: '20,000 files of 100 KiB to a folder remote on the same disk, and back',
  rounds: 3,
  diskBytes: (quick, rounds) => ((8 + 4 * rounds) * bytesOf(PICTURES)) / (quick ? 10 : 1),
  touchedBytes: (quick) => (3 * bytesOf(PICTURES)) / (quick ? 10 : 1),
  prepare(bench) {
    const shape = bench.quick ? scaleDown(PICTURES) : PICTURES;
    const folder = makeDataProject(bench, 'project', { shape, as: 'out' });
    recordData(bench, folder);
    const remote = join(folder, 'remote');
    const copy = join(bench.dir, 'copy');
    const source = join(bench.dir, 'source');
    generateFiles(source, shape);
    const cp = {
      name: 'cp',
      reads: source,
      before: () => bench.discard(copy),
      command: () => shell(bench.dir, 'cp -r source copy && sync -f copy'),
      check: () => digestFolder(copy),
    };
    return {
      trials: [
        {
          name: 'push',
          contenders: [
            {
              name: 'lockstep',
              reads: objectsOf(folder),
              before: () => {
                bench.discard(remote);
                mkdirSync(remote);
              },
              command: () => bench.lockstep(folder, 'push'),
              check: () => digestFolder(remote),
            },
            cp,
          ],
        },
        {
          name: 'push again',
          isNoOp: true,
          contenders: [
            {
              name: 'lockstep',
              command: () => bench.lockstep(folder, 'push'),
              check: () => digestFolder(remote),
            },
          ],
        },
        {
          name: 'fetch',
          contenders: [
            {
              name: 'lockstep',
              reads: remote,
              before: () => bench.discard(objectsOf(folder)),
              command: () => bench.lockstep(folder, 'fetch'),
              check: () => digestFolder(objectsOf(folder)),
            },
            cp,
          ],
        },
      ],
      warmUp: 'round',
    };
  },
};

export default scenario;
