import { execFileSync } from 'node:child_process';
import { PipelineError, isSystemError } from '../base/error.ts';
import type { Problem } from '../base/error.ts';
import { shellPath } from '../base/text.ts';
import type { DataInput, Out } from '../base/types.ts';
import type { Plan } from '../plan/plan.ts';
import type { OpenProject } from './open-project.ts';
import { gitPlace, isBelowRepository } from './repository.ts';
import type { GitPlace } from './repository.ts';

export interface TrackedInputs extends Pick<OpenProject, 'root' | 'folder' | 'env' | 'pipeline' | 'emit'> {
  readonly plan: Plan;
}

/** A path that lockstep keeps. */
type Kept = Pick<Out | DataInput, 'path' | 'at'>;

/**
 * Refuses outs of the selected stages and tracked inputs that git has in its index: two keepers of one file undo each
 * other. Throws `out.tracked`, naming all; warns when git cannot tell.
 */
export function refuseTracked({ root, folder, env, pipeline, plan, emit }: TrackedInputs): void {
  const outs = plan.judgements.flatMap(({ stage }) => stage.outs.filter((out) => out.cache));
  const kept: readonly Kept[] = [...pipeline.data, ...outs];
  const warn = (problem: Problem): void => {
    emit({ type: 'warned', problem });
  };
  const paths = kept.map(({ path }) => path);
  const tracked = trackedAmong(gitPlace(root, env), paths, warn);
  const problems = kept.filter((one) => tracked.has(one.path)).map((one) => outTracked(one, folder));
  if (problems.length > 0) throw PipelineError.of(problems);
}

/** Those of the paths that are in git's index or have files there; none where git cannot tell, which `warn` is told. */
export function trackedAmong(
  place: GitPlace,
  kept: readonly string[],
  warn: (problem: Problem) => void = () => undefined,
): ReadonlySet<string> {
  const paths = new Set(kept);
  const index = paths.size > 0 && isBelowRepository(place.cwd) ? listIndex(place, warn) : [];
  const found = new Set<string>();
  for (const file of index)
    for (let end = file.length; end > 0; end = file.lastIndexOf('/', end - 1)) {
      const path = file.slice(0, end);
      if (paths.has(path)) found.add(path);
    }
  return found;
}

function outTracked({ path, at }: Kept, folder: string): Problem {
  return {
    code: 'out.tracked',
    message: `git tracks "${path}", which lockstep is to keep`,
    hint: `run "git rm -r --cached ${shellPath(path, folder)}" and commit`,
    at: [at],
  };
}

/** All that git has of the project: there may be more paths than a command takes arguments. */
function listIndex(place: GitPlace, warn: (problem: Problem) => void): readonly string[] {
  try {
    return execFileSync('git', ['ls-files', '-z'], {
      ...place,
      encoding: 'utf8',
      maxBuffer: Number.POSITIVE_INFINITY,
      stdio: ['ignore', 'pipe', 'pipe'],
    }).split('\0');
  } catch (error) {
    // Who has no git has nobody else who keeps files.
    if (!isSystemError(error, 'ENOENT')) warn(indexUnread(error));
    return [];
  }
}

function indexUnread(error: unknown): Problem {
  const { stderr, message } = error as Error & { readonly stderr?: string };
  const why = (stderr || message).split('\n', 1)[0] ?? '';
  return {
    code: 'git.failed',
    message: `git cannot tell whether it tracks what lockstep keeps (${why})`,
    hint: 'make "git status" work here: what git and lockstep both keep, one undoes for the other',
  };
}
