import { execa } from 'execa';
import { EXIT, PipelineError } from '../base/error.ts';
import type { Artifact, Lock } from '../base/types.ts';
import { EMPTY_LOCK, LOCKFILE, parseLock } from '../record/lockfile.ts';
import { isBelowRepository } from './repository.ts';

/**
 * The lock in git's HEAD; an empty one where there is no repository, no commit, or no lock in it. Throws `git.failed` when
 * git cannot tell, and what reading a lock throws.
 */
export async function readCommittedLock(root: string): Promise<Lock> {
  if (!(await hasCommit(root))) return EMPTY_LOCK;
  // `<mode> blob <object>\t<path>`, or nothing.
  const listed = await ask(root, 'ls-tree', 'HEAD', '--', LOCKFILE);
  const [, , object] = listed.split(/[ \t]/, 3);
  return object === undefined ? EMPTY_LOCK : parseLock(await ask(root, 'cat-file', 'blob', object));
}

/**
 * The tracked inputs that the locks of branches, tags and stashes name: no run makes one of them again. A lock that nobody can
 * read names none. Throws as `readCommittedLock` does.
 */
export async function readCommittedData(root: string): Promise<readonly Artifact[]> {
  if (!(await hasCommit(root))) return [];
  const refs = await ask(root, 'for-each-ref', '--format=%(objectname)', 'refs/heads', 'refs/tags');
  const stashes = await ask(root, 'stash', 'list', '--format=%H');
  const names = `${refs}${stashes}`.split('\n').filter((commit) => commit !== '');
  const asked = names.map((commit) => `${commit}:./${LOCKFILE}\n`).join('');
  // `<object> blob <size>`, or else that there is none; few commits have a lock of their own.
  const found = await git(root, ['cat-file', '--batch-check'], asked);
  if (found.failed) throw gitFailed(reasonOf(found));
  const objects = new Set(
    [...found.stdout.matchAll(/^([0-9a-f]+) blob /gm)].map(([, object = '']) => object),
  );
  const data: Artifact[] = [];
  for (const object of objects) {
    const text = await ask(root, 'cat-file', 'blob', object);
    const lock = await parseLock(text).catch(passOver);
    data.push(...lock.data);
  }
  return data;
}

/** Nobody can check out by it either. */
function passOver(error: unknown): Lock {
  if (error instanceof PipelineError && error.code !== 'lock.version') return EMPTY_LOCK;
  throw error;
}

async function hasCommit(root: string): Promise<boolean> {
  const answer = await git(root, ['rev-parse', '--verify', '--quiet', 'HEAD']);
  if (!answer.failed) return true;
  // Said without a word: there is a repository, and no commit yet.
  if ((answer.exitCode === 1 && answer.stderr === '') || !isBelowRepository(root)) return false;
  throw gitFailed(answer.code === 'ENOENT' ? 'there is a repository, but no git' : reasonOf(answer));
}

async function ask(root: string, ...args: readonly string[]): Promise<string> {
  const answer = await git(root, args);
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

function git(root: string, args: readonly string[], input = ''): Promise<Answer> {
  return execa('git', args, {
    cwd: root,
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
    hint: 'make "git status" work here: what they name must not be taken for garbage',
  });
}
