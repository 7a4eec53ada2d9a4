import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { PipelineError } from '../base/error.ts';
import type { Problem } from '../base/error.ts';
import type { Plan } from '../plan/plan.ts';
import { statIfExists } from '../io/files.ts';

/**
 * Refuses to make outs that git has in its index: two keepers of one file undo each other. Asked only about stages
 * that are about to run or be restored. Throws `out.tracked`, naming all of them.
 */
export function refuseTracked(root: string, plan: Plan): void {
  if (!statIfExists(join(root, '.git'))) return;
  const stages = plan.judgements
    .filter(({ decision }) => decision.verdict !== 'skip')
    .map(({ stage }) => stage);
  const outs = stages.flatMap((stage) => stage.outs.filter((out) => out.cache));
  if (outs.length === 0) return;
  const tracked = [
    ...listTracked(
      root,
      outs.map((one) => one.path),
    ),
  ];
  const problems = outs.flatMap((out): Problem[] => {
    return tracked.some((path) => path === out.path || path.startsWith(`${out.path}/`))
      ? [
          {
            code: 'out.tracked',
            message: `git tracks "${out.path}", which lockstep is to keep`,
            hint: `run "git rm -r --cached ${out.path}" and commit`,
            at: [out.at],
          },
        ]
      : [];
  });
  if (problems.length > 0) throw PipelineError.of(problems);
}

function listTracked(root: string, paths: readonly string[]): ReadonlySet<string> {
  try {
    const text = execFileSync('git', ['--literal-pathspecs', 'ls-files', '-z', '--', ...paths], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return new Set(text.split('\0').filter((path) => path !== ''));
  } catch {
    // No git here, or no repository it can read: then nothing is tracked.
    return new Set();
  }
}
