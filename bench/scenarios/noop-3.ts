import { join } from 'node:path';
import { countFiles, digestFolder } from '../harness/digest.ts';
import { makeProject, writeFiles } from '../harness/project.ts';
import { nodeStart } from '../harness/references.ts';
import type { Contender, Scenario } from '../harness/trial.ts';

const STAGES = `stages:
  words:
    cmd: mkdir -p out && tr ' ' '\\n' < in.txt > out/words.txt
    deps: [in.txt]
    outs: [out/words.txt]
  sorted:
    cmd: sort out/words.txt > out/sorted.txt
    deps: [out/words.txt]
    outs: [out/sorted.txt]
  counted:
    cmd: uniq -c out/sorted.txt > out/counted.txt
    deps: [out/sorted.txt]
    outs: [out/counted.txt]
`;

const scenario: Scenario = {
  title: 'nothing to do in three stages',
  rounds: 15,
  diskBytes: () => 1e8,
  prepare(bench) {
    const folder = makeProject(bench, 'lockstep', {
      'pipeline.yaml': STAGES,
      'in.txt': 'one two three two\n',
    });
    bench.run(bench.lockstep(folder, 'repro'));
    const dvc = bench.peer('dvc');
    const made = async (project: string): Promise<string> =>
      `${countFiles(join(project, 'out'))}, ${await digestFolder(join(project, 'out'))}`;
    const contenders: Contender[] = [
      { name: 'lockstep', command: () => bench.lockstep(folder, 'repro'), check: () => made(folder) },
      nodeStart(bench),
    ];
    if (dvc !== undefined) {
      const beside = join(bench.dir, 'dvc');
      writeFiles(beside, { 'dvc.yaml': STAGES, 'in.txt': 'one two three two\n' });
      bench.run({ argv: [dvc, 'init', '--no-scm', '-q'], cwd: beside });
      bench.run({ argv: [dvc, 'repro', '-q'], cwd: beside });
      contenders.push({
        name: 'dvc',
        command: () => ({ argv: [dvc, 'repro', '-q'], cwd: beside }),
        check: () => made(beside),
      });
    }
    return {
      trials: [{ name: 'repro', contenders, missing: dvc === undefined ? ['dvc'] : [] }],
      warmUp: 'round',
    };
  },
};

export default scenario;
