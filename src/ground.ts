import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import { PipelineError, isSystemError } from './base/error.ts';
import { createJournal } from './execute/journal.ts';
import type { Journal } from './execute/journal.ts';
import type { Found } from './execute/settle.ts';
import { createClock } from './io/clock.ts';
import type { Clock } from './io/clock.ts';
import { makeFolder, notA, statIfExists, writeFileAtomic } from './io/files.ts';
import type { MutexMark } from './io/mutex-mark.ts';
import { createCodeReader } from './store/imports.ts';
import type { CodeReader } from './store/imports.ts';
import { listCode } from './store/list-code.ts';
import { createMemo } from './store/memo.ts';
import type { Memo } from './store/memo.ts';
import { createProjectFiles } from './store/project-files.ts';
import type { ProjectFiles } from './store/project-files.ts';

/*
 * What a project stands on: where it is, whose package works on it, and what can be opened before any of its files is read.
 */

/** Raised with every release. */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
const PIPELINE = 'pipeline.yaml';
const API_PACKAGE = 'lockstep-data';

export function runsFromSource(): boolean {
  return import.meta.url.endsWith('.ts');
}

/** Where our own package lies: the folder above `src/` or `dist/`. */
export const PACKAGE: string = fileURLToPath(new URL('..', import.meta.url)).replace(/[/\\]$/, '');

/** The folder of `sessions-<MIC>.json`. */
export const CALENDARS: string = join(PACKAGE, 'calendars');

let engine: string | undefined;

/**
 * Which lockstep this is, to its last edit, and on which Node: what one makes of a file, another may not. A clone that is pulled keeps
 * its version, and so does a package that is packed again; of that one file tells, for they are installed together.
 */
export function engineOf(): string {
  const folders = (): readonly string[] => ['src', 'schema', 'calendars'].map((name) => join(PACKAGE, name));
  const files = (): readonly string[] =>
    runsFromSource() ? folders().flatMap(listCode) : [fileURLToPath(import.meta.url)];
  const look = (file: string): string => {
    const { size, mtimeMs } = statSync(file);
    return `${file} ${size} ${mtimeMs}\n`;
  };
  return (engine ??= `${VERSION} ${process.version} ${crc32(files().map(look).join(''))}`);
}

/** Modules of the market library count as code, file by file; the stage API does not. */
function resolveOwn(specifier: string): string | undefined {
  const market = /^lockstep-data\/(market\/.+)$/.exec(specifier)?.[1];
  if (market === undefined) return undefined;
  return join(PACKAGE, runsFromSource() ? `src/${market}.ts` : `dist/${market}.js`);
}

/** Where a folder of a project is. */
export interface Place {
  /** The nearest folder at or above it that holds a pipeline.yaml. */
  readonly root: string;
  /** Its own path from there; `''` when it is that folder. */
  readonly folder: string;
}

/** The root of the project that `dir` is a folder of. Throws `project.none`. */
export function findRoot(dir: string): string {
  return findPlace(dir).root;
}

/** Throws `project.none`. */
export function findPlace(dir: string): Place {
  let misnamed: string | undefined;
  for (let folder = resolve(dir); ; folder = dirname(folder)) {
    if (statIfExists(join(folder, PIPELINE)))
      // Stage processes see real paths, and are granted them.
      return { root: realpathSync(folder), folder: relative(folder, resolve(dir)).split(sep).join('/') };
    const other = join(folder, 'pipeline.yml');
    if (statIfExists(other)) misnamed ??= other;
    if (folder === dirname(folder)) {
      throw new PipelineError('project.none', `there is no ${PIPELINE} in "${resolve(dir)}" or above it`, {
        hint:
          misnamed === undefined
            ? 'go to your project (or name it with -C), or start one with "lockstep init"'
            : `rename "${misnamed}" to ${PIPELINE}`,
      });
    }
  }
}

/**
 * ISO 8601 with a zone: without one it would be another instant on each machine. In the years to which calendars reach, as with
 * `as_of`.
 */
const INSTANT = /^([12]\d{3}-\d{2}-\d{2})T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/;

/** The instant `LOCKSTEP_NOW` names, for repeating a run as of then; else the machine's clock. */
export function clockFrom(env: Readonly<Record<string, string | undefined>>): Clock {
  const text = env['LOCKSTEP_NOW'];
  if (text === undefined || text === '') return createClock();
  const [, date] = INSTANT.exec(text) ?? [];
  // Of a day that no month has, the parser makes one of the next month.
  const ms = date !== undefined && new Date(date).toJSON()?.startsWith(date) ? Date.parse(text) : NaN;
  if (!Number.isNaN(ms)) return createClock(ms);
  throw new PipelineError(
    'env.now',
    `LOCKSTEP_NOW is "${text}", which is no instant of the years 1000 to 2999 with a zone`,
    {
      hint: 'write it like 2026-03-17T10:30:00Z',
    },
  );
}

/** What a project stands on, before any of its files is read. */
export interface Ground extends Place {
  readonly stateDir: string;
  /** What LOCKSTEP_NOW says is no measure of how fresh a file's times are: those are the machine's. */
  readonly clock: Clock;
  readonly machine: Clock;
  readonly memo: Memo;
  readonly files: ProjectFiles;
  readonly code: CodeReader;
  readonly journal: Journal;
  /** What has been seen already, and what the workspace's mutex looked like before. */
  readonly seen?: { readonly found: Found; readonly looked: MutexMark };
  /** Whether it is to be kept that nothing was to be done. */
  readonly keepsSettled: boolean;
}

export function layGround(
  { dir, env }: { readonly dir: string; readonly env: Readonly<Record<string, string | undefined>> },
  keepsSettled: boolean,
): Ground {
  const { root, folder } = findPlace(dir);
  const stateDir = join(root, '.lockstep');
  const machine = createClock();
  const memo = createMemo(join(stateDir, 'memo'), machine.now());
  const code = createCodeReader({
    root,
    memo,
    clock: machine,
    path: join(stateDir, 'code'),
    engine: engineOf(),
    apiPackage: API_PACKAGE,
    apiFolder: PACKAGE,
    resolveOwn,
  });
  return {
    root,
    folder,
    stateDir,
    clock: clockFrom(env),
    machine,
    memo,
    files: createProjectFiles({ root, memo, clock: machine }),
    code,
    journal: createJournal(stateDir),
    keepsSettled,
  };
}

export const pathOfSettled = (stateDir: string): string => join(stateDir, 'settled');

/** `.lockstep/` ignores itself, so that no one has to think of it. */
export function makeStateDir(stateDir: string): void {
  try {
    makeFolder(stateDir);
  } catch (error) {
    throw isSystemError(error, 'EEXIST', 'ENOTDIR') ? notA('folder', stateDir, 'file') : error;
  }
  const ignore = join(stateDir, '.gitignore');
  if (!statIfExists(ignore)) writeFileAtomic(ignore, '*\n', { durable: false });
}

/** Memo and snapshot only save time: a read-only or full disk must not fail a command that has done its work. */
export function saveWhatIsCheap(stateDir: string, saves: readonly (() => void)[]): void {
  // A project that was moved or removed meanwhile is not begun anew.
  if (!statIfExists(dirname(stateDir))) return;
  try {
    makeStateDir(stateDir);
    for (const save of saves) save();
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}
