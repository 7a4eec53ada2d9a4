import { join } from 'node:path';
import { generateSteps, lockstepFiles } from '../generate/stages.ts';
import { makeProject, writeFiles } from '../harness/project.ts';
import type { Bench, Contender, Scenario, Trial } from '../harness/trial.ts';

const PLAN_STAGES = join(import.meta.dirname, '..', 'programs', 'plan-stages.ts');

const scenario: Scenario = {
  title: 'status of 10,000 stages; the plan of 100,000, in memory and through the command',
  rounds: 5,
  diskBytes: () => 1e9,
  prepare(bench) {
    const most = bench.quick ? 10_000 : 100_000;
    return {
      trials: [
        statusOf(bench, bench.quick ? 1000 : 10_000),
        { name: 'plan', contenders: [planOf(bench, 'lockstep', most), planOf(bench, 'quarter', most / 4)] },
        dryRun(bench, most),
      ],
      warmUp: 'round',
    };
  },
};

export default scenario;

function statusOf(bench: Bench, count: number): Trial {
  const steps = generateSteps(count);
  const folder = makeProject(bench, 'stages', lockstepFiles(steps));
  // What the stages would make, so that they need not be run.
  writeFiles(folder, Object.fromEntries(steps.map(({ id }) => [`out/${id}.txt`, `${id}\n`])));
  bench.run(bench.lockstep(folder, 'commit'));
  return {
    name: 'status',
    contenders: [{ name: 'lockstep', command: () => bench.lockstep(folder, 'status', '--quiet') }],
  };
}

function planOf(bench: Bench, name: string, count: number): Contender {
  return {
    name,
    command: () => ({
      argv: [process.execPath, PLAN_STAGES, join(bench.installed, 'dist', 'cli.js'), String(count)],
      cwd: bench.dir,
    }),
    takes: ({ stdout }) => (JSON.parse(stdout) as { readonly ms: number }).ms,
    check: ({ stdout }) => {
      const { told } = JSON.parse(stdout) as { readonly told: string };
      if (told !== `1 run, ${count - 1} wait`) throw new Error(`the plan says ${told}`);
      return 'one stage to run, all others wait for it';
    },
  };
}

/** Written as ten matrices, the most that one may give each: a text of that many stages would measure the reader of YAML. */
function dryRun(bench: Bench, count: number): Trial {
  const list = (length: number): string => Array.from({ length }, (_, index) => index).join(', ');
  const matrix = (index: number): string =>
    `  step${index}:\n    matrix:\n      a: [${list(10)}]\n      b: [${list(count / 100)}]\n    cmd: ./step \${item.a} \${item.b}\n    outs: ["out/${index}/\${item.a}/\${item.b}.txt"]\n`;
  const folder = makeProject(bench, 'matrix', {
    'pipeline.yaml': `stages:\n${Array.from({ length: 10 }, (_, index) => matrix(index)).join('')}`,
  });
  return {
    name: 'dry run',
    contenders: [
      {
        name: 'lockstep',
        command: () => bench.lockstep(folder, 'repro', '--dry-run'),
        check: ({ stdout, stderr }) => {
          const named = (stdout + stderr).match(/step\d@\d+-\d+/g)?.length ?? 0;
          if (named < count) throw new Error(`only ${named} stages are named`);
          return `${named} names`;
        },
      },
    ],
  };
}
