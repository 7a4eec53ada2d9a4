import { join } from 'node:path';
import { countFiles, digestFolder } from '../harness/digest.ts';
import { makeProject } from '../harness/project.ts';
import type { Scenario } from '../harness/trial.ts';

const MODULE = `import { readFile, writeFile } from 'node:fs/promises';
import { defineStage, type StageFunction } from 'lockstep-data';

const stage: StageFunction = defineStage(async ({ deps, outs }) => {
  const { n }: { n: number } = JSON.parse(await readFile(deps['input']!, 'utf8'));
  await writeFile(outs['result']!, JSON.stringify({ n, square: n * n }));
});

export default stage;
`;

const scenario: Scenario = {
  title: 'the first run of 100 module stages, a hermetic process each',
  rounds: 5,
  diskBytes: () => 2e8,
  prepare(bench) {
    const count = bench.quick ? 10 : 100;
    const ids = Array.from({ length: count }, (_, index) => `m${String(index).padStart(3, '0')}`);
    const stage = (id: string): string =>
      `  ${id}:\n    run: stages/${id}.ts\n    deps: { input: in/${id}.json }\n    outs: { result: out/${id}.json }\n`;
    const folder = makeProject(bench, 'lockstep', {
      'package.json': '{ "type": "module" }\n',
      'pipeline.yaml': `stages:\n${ids.map(stage).join('')}`,
      ...Object.fromEntries(
        ids.flatMap((id, n) => [
          [`stages/${id}.ts`, MODULE],
          [`in/${id}.json`, JSON.stringify({ n })],
        ]),
      ),
    });
    const starts = `seq ${count} | xargs -P2 -I{} "$0" -e 0`;
    return {
      trials: [
        {
          name: 'repro',
          contenders: [
            {
              name: 'lockstep',
              before: () =>
                bench.discard(...['out', 'pipeline.lock', '.lockstep'].map((name) => join(folder, name))),
              command: () => bench.lockstep(folder, 'repro'),
              check: async () => {
                if (countFiles(join(folder, 'out')) !== `${count} files`) throw new Error('outs are missing');
                return digestFolder(join(folder, 'out'));
              },
            },
            {
              name: 'node starts',
              command: () => ({ argv: ['sh', '-c', starts, process.execPath], cwd: bench.dir }),
            },
          ],
        },
      ],
      warmUp: 'round',
    };
  },
};

export default scenario;
