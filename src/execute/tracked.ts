import { execFileSync } from 'node:child_process';
import { PipelineError, isSystemError } from '../base/error.ts';
import type { Problem } from '../base/error.ts';
import type { Emit } from '../base/event.ts';
import { shellPath } from '../base/text.ts';
import type { Out } from '../base/types.ts';
import type { Plan } from '../plan/plan.ts';
import { isBelowRepository } from './repository.ts';

export interface TrackedInputs {
  readonly root: string;
  /** Where commands of hints are pasted, from the root. */
  readonly folder: string;
  readonly plan: Plan;
  readonly emit: Emit;
}

/**
 * Refuses to make or record outs that git has in its index: two keepers of one file undo each other. Asked only about
 * stages that are not fresh. Throws `out.tracked`, naming all of them; warns when git cannot tell.
 */
export function refuseTracked({ root, folder, plan, emit }: TrackedInputs): void {
  const stages = plan.judgements
    .filter(({ decision }) => decision.verdict !== 'skip')
    .map(({ stage }) => stage);
  const outs = stages.flatMap((stage) => stage.outs.filter((out) => out.cache));
  if (outs.length === 0 || !isBelowRepository(root)) return;
  const tracked = findTracked(outs, listIndex(root, emit));
  const problems = outs.filter((out) => tracked.has(out.path)).map((out) => outTracked(out, folder));
  if (problems.length > 0) throw PipelineError.of(problems);
}

/** The paths of outs that are in the index or have files there. */
function findTracked(outs: readonly Out[], index: readonly string[]): ReadonlySet<string> {
  const paths = new Set<string>(outs.map((out) => out.path));
  const found = new Set<string>();
  for (const file of index)
    for (let end = file.length; end > 0; end = file.lastIndexOf('/', end - 1)) {
      const path = file.slice(0, end);
      if (paths.has(path)) found.add(path);
    }
  return found;
}

function outTracked({ path, at }: Out, folder: string): Problem {
  return {
    code: 'out.tracked',
    message: `git tracks "${path}", which lockstep is to keep`,
    hint: `run "git rm -r --cached ${shellPath(path, folder)}" and commit`,
    at: [at],
  };
}

/** All that git has of the project: there may be more outs than a command takes arguments. */
function listIndex(root: string, emit: Emit): readonly string[] {
  try {
    return execFileSync('git', ['ls-files', '-z'], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: Number.POSITIVE_INFINITY,
      stdio: ['ignore', 'pipe', 'pipe'],
    }).split('\0');
  } catch (error) {
    // Who has no git has nobody else who keeps files.
    if (!isSystemError(error, 'ENOENT')) emit({ type: 'warned', problem: indexUnread(error) });
    return [];
  }
}

function indexUnread(error: unknown): Problem {
  const { stderr, message } = error as Error & { readonly stderr?: string };
  const why = (stderr || message).split('\n', 1)[0] ?? '';
  return {
    code: 'git.failed',
    message: `git cannot tell whether it tracks outs (${why})`,
    hint: 'make "git status" work here: what git and lockstep both keep, one undoes for the other',
  };
}
