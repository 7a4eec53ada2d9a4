import { spawnSync } from 'node:child_process';
import { isAbsolute, join } from 'node:path';
import { EXIT, PipelineError, isSystemError } from '../../base/error.ts';
import { joinRelative, wordOfPath } from '../../base/path.ts';
import { shellPath, shellQuote } from '../../base/text.ts';
import type { Pipeline } from '../../base/types.ts';
import type { GitPlace } from '../../execute/repository.ts';
import { trackedAmong } from '../../execute/tracked.ts';
import type { Place } from '../../ground.ts';
import { statIfExists } from '../../io/files.ts';
import { LOCKFILE } from '../../record/lockfile.ts';
import { failedCheck } from './check.ts';
import type { Check } from './check.ts';

interface GitProject extends Place {
  readonly asked: GitPlace;
}

const MAX_NAMED = 3;
const LIMIT_MS = 10_000;
const STATE = '.lockstep';

/** Git: that it is there, that it keeps pipeline.lock, and that it leaves to lockstep what lockstep keeps. */
export function* checkGit(place: GitProject, pipeline: Pipeline | undefined): Generator<Check> {
  try {
    yield* checkAll(place, pipeline);
  } catch (error) {
    yield failedCheck('git', error);
  }
}

function* checkAll(place: GitProject, pipeline: Pipeline | undefined): Generator<Check> {
  const { root, asked } = place;
  const version = git(asked, ['--version']);
  if (version === undefined) {
    yield {
      check: 'git',
      status: 'warn',
      message: 'git is not installed; pipeline.lock is meant to be kept in it',
      cure: 'install git (https://git-scm.com/downloads)',
    };
    return;
  }
  const inside = git(asked, ['rev-parse', '--show-toplevel']);
  const name = version.out.trim().replace('git version', 'git');
  if (inside?.code !== 0) {
    // What git says is in the language of its user, what it advises is not.
    const owner = /safe\.directory/.test(inside?.error ?? '');
    yield {
      check: 'git',
      status: 'warn',
      message: owner
        ? `${name} refuses this folder, which someone else owns`
        : `${name}, but no repository here`,
      cure: owner
        ? `run "git config --global --add safe.directory ${shellQuote(root)}" if you trust it`
        : 'run "git init"',
    };
    return;
  }
  yield { check: 'git', status: 'ok', message: `${name}, repository ${inside.out.trim()}` };
  yield checkLock(place);
  if (!pipeline) return;
  yield checkOuts(place, pipeline);
  yield* checkGitOuts(place, pipeline);
}

function checkLock({ root, folder, asked }: GitProject): Check {
  const add = `git add ${shellPath(LOCKFILE, folder)}`;
  const ignored = git(asked, ['check-ignore', '--no-index', '-v', LOCKFILE]);
  if (ignored?.code === 0) {
    const [place = ''] = ignored.out.split('\t');
    return {
      check: 'ignore',
      status: 'fail',
      message: `git ignores ${LOCKFILE} (${place}), so nobody else gets what was recorded`,
      cure: `take that line out, then "${add}"`,
    };
  }
  const tracked = git(asked, ['ls-files', '--error-unmatch', LOCKFILE])?.code === 0;
  if (tracked || !statIfExists(join(root, LOCKFILE)))
    return { check: 'ignore', status: 'ok', message: `git ${tracked ? 'keeps' : 'will keep'} ${LOCKFILE}` };
  return {
    check: 'ignore',
    status: 'warn',
    message: `${LOCKFILE} is not in git yet`,
    cure: `run "${add}" and commit it with what made it`,
  };
}

function checkOuts({ root, folder, asked }: GitProject, pipeline: Pipeline): Check {
  const ours: string[] = [
    ...pipeline.data.map((input) => input.path),
    ...pipeline.stages.flatMap((stage) => stage.outs.filter((out) => out.cache).map((out) => out.path)),
  ];
  const here = ours.flatMap((path) => {
    const stat = statIfExists(join(root, path));
    return stat ? [{ path, given: stat.isDirectory() ? `${path}/` : path }] : [];
  });
  // Whoever clones a state folder would believe what it says of files and results.
  const kept = [...here.map((one) => one.path), STATE];
  const tracked = trackedAmong(asked, kept);
  const paths = kept.filter((path) => tracked.has(path));
  if (paths.length > 0) {
    return {
      check: 'outs',
      status: 'fail',
      message: `git tracks what lockstep is to keep: ${named(paths)}`,
      cure: `run "git rm -r --cached ${paths
        .slice(0, MAX_NAMED)
        .map((path) => shellPath(path, folder))
        .join(' ')}" and commit`,
    };
  }
  if (here.length === 0) return { check: 'outs', status: 'ok', message: 'no outs here that git could take' };
  const given = here.map((one) => one.given);
  const ignored = new Set(
    git(asked, ['check-ignore', '-z', '--stdin'], `${given.join('\0')}\0`)?.out.split('\0') ?? [],
  );
  const open = here.filter((one) => !ignored.has(one.given)).map((one) => one.path);
  if (open.length === 0) {
    return { check: 'outs', status: 'ok', message: 'git leaves alone what lockstep keeps' };
  }
  return {
    check: 'outs',
    status: 'warn',
    message: `"git add ." would take what lockstep keeps: ${named(open)}`,
    cure: `write ${open
      .slice(0, MAX_NAMED)
      .map((path) => `/${path}`)
      .join(' and ')} into .gitignore`,
  };
}

/** Outs that git is to keep and ignores: where one was cached before, its line is still there. */
function* checkGitOuts({ root, folder, asked }: GitProject, pipeline: Pipeline): Generator<Check> {
  const paths = pipeline.stages.flatMap((stage) =>
    stage.outs.filter((out) => !out.cache && statIfExists(join(root, out.path))).map((out) => out.path),
  );
  const ran =
    paths.length > 0 && git(asked, ['check-ignore', '-v', '-z', '--stdin'], `${paths.join('\0')}\0`);
  // Of what git tracks already nothing is told; "!" takes back what another line says.
  const told = [...(ran ? ran.out : '').matchAll(/([^\0]*)\0(\d*)\0([^\0]*)\0([^\0]*)\0/g)];
  const ignored = told.filter(([, , , pattern = '']) => !pattern.startsWith('!'));
  const [first] = ignored;
  if (!first) return;
  const [, source = '', line = '', , path = ''] = first;
  // From the top of git's folder, where it is none of the user's own.
  const top = git(asked, ['rev-parse', '--show-prefix'])?.out.trimEnd() ?? '';
  const file = isAbsolute(source) ? source : wordOfPath(source, joinRelative(top, folder));
  yield {
    check: 'kept',
    status: 'warn',
    message: `git ignores outs that it is to keep (cache: false): ${named(ignored.map((one) => one[4] ?? ''))}`,
    cure: `take line ${line} out of ${file}, then "git add ${shellPath(path, folder)}"`,
  };
}

function named(paths: readonly string[]): string {
  const more = paths.length > MAX_NAMED ? ` and ${paths.length - MAX_NAMED} more` : '';
  return `${paths.slice(0, MAX_NAMED).join(', ')}${more}`;
}

interface Git {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}

/** `undefined` where there is no git. Throws `git.failed` where it does not end. */
function git(asked: GitPlace, args: readonly string[], input = ''): Git | undefined {
  const limits = { maxBuffer: 256 * 1024 * 1024, timeout: LIMIT_MS, killSignal: 'SIGKILL' } as const;
  const ran = spawnSync('git', args, { ...asked, ...limits, encoding: 'utf8', input });
  if (isSystemError(ran.error, 'ETIMEDOUT'))
    throw new PipelineError('git.failed', `"git ${args[0]}" did not answer within ${LIMIT_MS / 1000} s`, {
      exit: EXIT.failed,
      hint: 'see what it waits for: a .gitignore that is a FIFO, or a disk',
    });
  return ran.error ? undefined : { code: ran.status, out: ran.stdout, error: ran.stderr };
}
