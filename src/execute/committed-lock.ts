import { execa } from 'execa';
import { EXIT, PipelineError } from '../base/error.ts';
import type { Artifact, Lock } from '../base/types.ts';
import { EMPTY_LOCK, LOCKFILE, parseLock } from '../record/lockfile.ts';
import { isBelowRepository } from './repository.ts';
import type { GitPlace } from './repository.ts';

/** What git keeps of the lock. */
export interface Committed {
  /** That of HEAD; an empty one where there is no commit, or no lock in it. */
  readonly head: Lock;
  /** The tracked inputs that the locks of branches, tags and stashes name: no run makes one of them again. */
  readonly data: readonly Artifact[];
}

/** Nothing where there is no repository. Throws `git.failed` when git cannot tell, and what reading a lock throws. */
export async function readCommitted(place: GitPlace): Promise<Committed> {
  const answer = await git(place, ['rev-parse', '--verify', '--quiet', 'HEAD']);
  // Said without a word: there is a repository, and no commit on this branch yet.
  const isUnborn = answer.exitCode === 1 && answer.stderr === '';
  if (answer.failed && !isUnborn) {
    if (!isBelowRepository(place.cwd)) return { head: EMPTY_LOCK, data: [] };
    throw gitFailed(answer.code === 'ENOENT' ? 'there is a repository, but no git' : reasonOf(answer));
  }
  return { head: isUnborn ? EMPTY_LOCK : await readHead(place), data: await readData(place) };
}

async function readHead(place: GitPlace): Promise<Lock> {
  // `<mode> blob <object>\t<path>`, or nothing.
  const listed = await ask(place, ['ls-tree', 'HEAD', '--', LOCKFILE]);
  const [, , object] = listed.split(/[ \t]/, 3);
  if (object === undefined) return EMPTY_LOCK;
  return parseCommitted("git's HEAD", await ask(place, ['cat-file', 'blob', object]));
}

/** What is wrong with it stands in no file here, and may be right in the one that is. */
async function parseCommitted(where: string, text: string): Promise<Lock> {
  try {
    return await parseLock(text);
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error;
    const hint =
      error.code === 'lock.version'
        ? error.problems[0].hint
        : `commit a ${LOCKFILE} that is right: until then nobody knows what git's one keeps`;
    throw new PipelineError(error.code, `in ${where}, ${error.message}`, { exit: error.exit, hint });
  }
}

/** A lock that nobody can read names none. */
async function readData(place: GitPlace): Promise<readonly Artifact[]> {
  const refs = await git(place, ['for-each-ref', '--format=%(objectname)', 'refs/heads', 'refs/tags']);
  // A branch that a power cut has emptied is passed over with a warning; HEAD then looks as if it had no commit yet.
  if (refs.failed || /refs\/(heads|tags)\//.test(refs.stderr)) throw gitFailed(reasonOf(refs));
  const stashes = await ask(place, ['stash', 'list', '--format=%H']);
  const names = `${refs.stdout}${stashes}`.split('\n').filter((commit) => commit !== '');
  const asked = names.map((commit) => `${commit}:./${LOCKFILE}\n`).join('');
  // `<object> blob <size>`, or else that there is none; few commits have a lock of their own.
  const found = await ask(place, ['cat-file', '--batch-check'], asked);
  const objects = new Set([...found.matchAll(/^([0-9a-f]+) blob /gm)].map(([, object = '']) => object));
  const data: Artifact[] = [];
  for (const object of objects) {
    const text = await ask(place, ['cat-file', 'blob', object]);
    const lock = await parseCommitted('a branch, tag or stash of git', text).catch(passOver);
    for (const one of lock.data) data.push(one);
  }
  return data;
}

/** Nobody can check out by it either. */
function passOver(error: unknown): Lock {
  if (error instanceof PipelineError && error.code !== 'lock.version') return EMPTY_LOCK;
  throw error;
}

async function ask(place: GitPlace, args: readonly string[], input?: string): Promise<string> {
  const answer = await git(place, args, input);
  if (answer.failed) throw gitFailed(reasonOf(answer));
  return answer.stdout;
}

interface Answer {
  readonly failed: boolean;
  readonly code?: string | undefined;
  readonly exitCode?: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly shortMessage?: string | undefined;
}

function git({ cwd, env }: GitPlace, args: readonly string[], input = ''): Promise<Answer> {
  return execa('git', args, {
    cwd,
    env,
    extendEnv: false,
    maxBuffer: Number.POSITIVE_INFINITY,
    reject: false,
    input,
    stripFinalNewline: { stdout: false },
  });
}

/** The first line of what git said; where it said nothing, how it ended. */
function reasonOf({ stderr, shortMessage = '' }: Answer): string {
  return (stderr === '' ? shortMessage : stderr).split('\n', 1)[0] ?? '';
}

function gitFailed(why: string): PipelineError {
  return new PipelineError('git.failed', `the locks in git cannot be read (${why})`, {
    exit: EXIT.failed,
    hint: 'make "git status" and "git fsck" work here: what they name must not be taken for garbage',
  });
}
