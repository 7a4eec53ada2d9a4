import { join } from 'node:path';
import { makeProject } from '../harness/project.ts';
import type { Bench, Contender, Scenario } from '../harness/trial.ts';

const PRINT_LINES = join(import.meta.dirname, '..', 'programs', 'print-lines.ts');

const scenario: Scenario = {
  title: "the runner's own CPU time beside a stage that prints 10 MB of lines a second for 5 s",
  rounds: 3,
  diskBytes: () => 1e9,
  prepare(bench) {
    return {
      trials: [{ name: 'cpu', contenders: [printing(bench, 'lockstep', 10), printing(bench, 'quiet', 0)] }],
      warmUp: 'round',
    };
  },
};

export default scenario;

function printing(bench: Bench, name: string, megabytes: number): Contender {
  const seconds = bench.quick ? 1 : 5;
  const print = `${process.execPath} ${PRINT_LINES} ${seconds} ${megabytes}`;
  const folder = makeProject(bench, name, {
    'pipeline.yaml': `stages:\n  loud:\n    cmd: ${print} && echo done > done.txt\n    outs: [done.txt]\n`,
  });
  return {
    name,
    before: () =>
      bench.discard(...['.lockstep', 'pipeline.lock', 'done.txt'].map((name) => join(folder, name))),
    command: () => bench.lockstep(folder, 'repro'),
    takes: ({ ownCpuMs }) => ownCpuMs,
    check: ({ stdout, stderr }) => {
      const printed = (stdout + stderr).match(/line \d{12} \.{81}\n/g)?.length ?? 0;
      if (printed !== seconds * megabytes * 10_000) throw new Error(`${printed} lines were shown`);
      return 'every line';
    },
  };
}
