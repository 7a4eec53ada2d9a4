import { accessSync, closeSync, constants, openSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { EXIT, PipelineError, isSystemError } from '../base/error.ts';
import { shellQuote } from '../base/text.ts';
import { makeFolder, readFolder, readIfExists, sweepTemps, writeFileAtomic } from './files.ts';
import { notesOf } from './mutex-mark.ts';
import { isOwnerAlive, ownerMark } from './process-id.ts';
import type { Clock } from './clock.ts';

export type MutexMode = 'shared' | 'exclusive';

export interface Holder {
  readonly owner: string;
  readonly command: string;
  /** ISO 8601. */
  readonly since: string;
}

export interface MutexOptions {
  /** Path of the lock file, `….mutex`. */
  readonly path: string;
  readonly mode: MutexMode;
  /** What we say we are doing, for those who wait for us. */
  readonly command: string;
  /** How long to wait before giving up with `mutex.busy` (exit 3). */
  readonly waitMs: number;
  /** The attempts inside of which we are, as their mark names them: what their runners hold is not waited for. */
  readonly inside?: string | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told once, when it has to wait. */
  readonly onWait: (holder: Holder | undefined) => void;
  /** Told when the lock is ours and we have not noted ourselves yet. */
  readonly onHeld?: () => void;
}

/** SQLite opens no longer one. */
const MAX_PATH = 504;
const POLL_MS = 50;
/** A holder that has not named itself by then is told without its name. */
const NAMELESS_MS = 500;

/**
 * Takes a lock that the kernel releases when its holder dies, however it dies: SQLite's own file locks (a shared
 * lock is an open read transaction, an exclusive one `BEGIN EXCLUSIVE`). Disposing releases it.
 */
export async function acquireMutex(options: MutexOptions): Promise<Disposable> {
  makeFolder(dirname(options.path));
  let waitedMs = 0;
  let told = false;
  for (;;) {
    options.signal.throwIfAborted();
    const database = tryLock(options.path, options.mode);
    if (database) {
      options.onHeld?.();
      return hold(database, options);
    }
    const holder = readHolder(options.path);
    if (holder && isInside(holder, options)) throw held(holder);
    if (waitedMs >= options.waitMs) throw busy(holder);
    // A holder names itself just after it has taken the lock.
    if (!told && (holder || waitedMs >= NAMELESS_MS)) {
      told = true;
      options.onWait(holder);
    }
    await options.clock.sleep(POLL_MS, options.signal);
    waitedMs += POLL_MS;
  }
}

/** Acts while nobody has the lock; where somebody has it, nothing is done. */
export function whileUnheld(path: string, act: () => void): void {
  const database = tryLock(path, 'exclusive');
  try {
    if (database) act();
  } finally {
    database?.close();
  }
}

function tryLock(path: string, mode: MutexMode): DatabaseSync | undefined {
  let database: DatabaseSync | undefined;
  requireWritable(path, mode);
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    // The journal of a transaction that writes nothing would be a file all the same, and need room on a full disk.
    if (mode === 'exclusive') database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    else database.exec('BEGIN; SELECT count(*) FROM sqlite_master');
    return database;
  } catch (error) {
    database?.close();
    if (isLocked(error)) return undefined;
    if (Buffer.byteLength(path) > MAX_PATH) throw tooLong(path);
    if (isSystemError(error, 'ERR_SQLITE_ERROR')) {
      throw new PipelineError('mutex.unusable', `cannot lock "${path}": ${error.message}`, {
        exit: EXIT.failed,
        hint: 'check that the folder is writable and its file system supports file locks',
        cause: error,
      });
    }
    throw error;
  }
}

/**
 * Of a file that it may not write SQLite takes a shared lock, whatever it is asked for: two who may not would both have it.
 * It makes its files for their owner alone to write; this one is for all whom the umask lets in.
 */
function requireWritable(path: string, mode: MutexMode): void {
  try {
    accessSync(path, constants.W_OK);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return createFor(path);
    // Where the file system is read-only nobody changes anything.
    if (mode === 'shared' || !isSystemError(error, 'EACCES')) return;
    throw new PipelineError('mutex.unusable', `cannot lock "${path}": it is another user's to write`, {
      exit: EXIT.failed,
      hint: `in a project of several users, let its owner run "chmod g+w ${shellQuote(path)}", and all of them work with "umask 002"`,
      cause: error,
    });
  }
}

/** Only ever a new one: to close a file gives away all locks that this process has on it. */
function createFor(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o666));
  } catch (error) {
    // SQLite meets the same and tells it, unless another process was first.
    if (!isSystemError(error)) throw error;
  }
}

function tooLong(path: string): PipelineError {
  const what = `the path of the project is too long for its locks: "${path}" has more than ${MAX_PATH} bytes`;
  return new PipelineError('disk.name-too-long', what, {
    exit: EXIT.failed,
    hint: 'move the project up, or give the folders above it shorter names',
  });
}

function isLocked(error: unknown): boolean {
  // SQLITE_BUSY and SQLITE_LOCKED.
  return isSystemError(error) && [5, 6].includes((error as { errcode?: number }).errcode ?? 0);
}

function hold(database: DatabaseSync, options: MutexOptions): Disposable {
  const note = join(notesOf(options.path), ownerMark());
  const holder: Holder = {
    owner: ownerMark(),
    command: options.command,
    since: new Date(options.clock.now()).toISOString(),
  };
  forgiving(() => writeFileAtomic(note, JSON.stringify(holder), { durable: false }));
  return {
    [Symbol.dispose]() {
      forgiving(() => rmSync(note, { force: true }));
      database.close();
    },
  };
}

/** Notes only say who holds the lock: on a full disk, `gc` must be able to take it. */
function forgiving(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}

/**
 * Who holds the lock, as its living holders noted it. Notes of others stay: in another container a holder may live that looks
 * dead from here, and by its note `isUnheldSince` knows of it.
 */
export function readHolder(path: string): Holder | undefined {
  for (const { name } of readFolder(notesOf(path))) {
    if (name === ownerMark() || !isOwnerAlive(name)) continue;
    const holder = parseHolder(readIfExists(join(notesOf(path), name))?.toString('utf8') ?? '');
    if (holder) return holder;
  }
  return undefined;
}

/** A note that is damaged names nobody; the lock itself holds all the same. */
function parseHolder(text: string): Holder | undefined {
  try {
    const { owner, command, since } = JSON.parse(text) as Partial<Holder>;
    if (typeof owner === 'string' && typeof command === 'string' && typeof since === 'string')
      return { owner, command, since };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return undefined;
}

/** Removes what dead holders of a lock noted about themselves. */
export function sweepNotes(path: string): void {
  sweepTemps(notesOf(path));
  for (const { name } of readFolder(notesOf(path)))
    if (/^\d+-[0-9A-Za-z]+$/.test(name) && !isOwnerAlive(name))
      rmSync(join(notesOf(path), name), { force: true });
}

function isInside({ owner }: Holder, { inside = '' }: MutexOptions): boolean {
  return inside.split('/').some((attempt) => attempt.startsWith(`${owner}.`));
}

/** It lets go when we have ended. */
function held({ command }: Holder): PipelineError {
  return new PipelineError('mutex.busy', `the project is in use by "${command}", of which this is a stage`, {
    exit: EXIT.busy,
    hint: 'let deps and outs say what runs before what; inside of a stage only what merely looks ("lockstep status") works in its own project',
  });
}

function busy(holder: Holder | undefined): PipelineError {
  const who = holder
    ? `"${holder.command}" (process ${holder.owner.split('-')[0]}), since ${holder.since}`
    : 'another process';
  return new PipelineError('mutex.busy', `the project is in use by ${who}`, {
    exit: EXIT.busy,
    hint: 'wait for it to end, or give a longer --wait',
  });
}
