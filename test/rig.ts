import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The project's own root. */
export const REPOSITORY: string = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** The package that is tested: `npm test` builds what users install; a test file that is run alone drives the sources. */
export const PACKAGE: string = process.env['LOCKSTEP_TEST_PACKAGE'] ?? REPOSITORY;

/** Its command line. */
export const CLI: string = join(PACKAGE, 'bin', 'lockstep.cjs');

/** The command line of the sources, for tests that look at single modules of it or read its state in this process. */
export const SOURCE_CLI: string = join(REPOSITORY, 'bin', 'lockstep.cjs');

/** What a command line printed and how it ended. */
export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Below the project; the project's root by default. */
  readonly cwd?: string;
}

/** A running command line that a test talks to. */
export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ran>;
  /** Resolves when the text has appeared on stdout or stderr; rejects when the command ends without it. */
  seen(text: string): Promise<void>;
}

/** A project in a folder of its own, driven through the real CLI. */
export interface Rig {
  readonly root: string;
  path(name: string): string;
  write(name: string, text: string | Uint8Array): void;
  read(name: string): string;
  bytes(name: string): Buffer;
  remove(name: string): void;
  /** Runs `lockstep ARGS` to its end. */
  lockstep(args: readonly string[], options?: RunOptions): Promise<Ran>;
  /** The same for one that a test talks to; it is killed where it outlives the test, which would hang otherwise. */
  start(args: readonly string[], options?: RunOptions): Running;
}

/**
 * Makes a project of the given files in a temp folder; it is removed after the test, or after the file where no test makes it. Stage modules may import
 * `lockstep-data`. The environment is clean: no colour, no CI, UTF-8, a fixed zone.
 */
export function createRig(files: Readonly<Record<string, string | Uint8Array>> = {}): Rig {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'lockstep-test-')));
  after(() => rmSync(root, { recursive: true, force: true }));
  return rigAt(root, files);
}

/** Another project with the same files, their modes, times and hard links. */
export function copyRig({ root }: Rig): Rig {
  const copy = createRig();
  execFileSync('cp', ['-a', `${root}/.`, copy.root]);
  return copy;
}

/** The same over a folder that exists; `cli` is the command line to drive. */
export function rigAt(
  root: string,
  files: Readonly<Record<string, string | Uint8Array>> = {},
  cli: string = CLI,
): Rig {
  const rig: Rig = {
    root,
    path: (name) => join(root, name),
    write(name, text) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), text);
    },
    read: (name) => readFileSync(join(root, name), 'utf8'),
    bytes: (name) => readFileSync(join(root, name)),
    remove: (name) => rmSync(join(root, name), { recursive: true, force: true }),
    lockstep: (args, options) => start({ root, cli }, args, options).ended,
    start(args, options) {
      const running = start({ root, cli }, args, options);
      after(() => running.process.kill('SIGKILL'));
      return running;
    },
  };
  for (const [name, text] of Object.entries(files)) rig.write(name, text);
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  try {
    symlinkSync(PACKAGE, join(root, 'node_modules', 'lockstep-data'));
  } catch {
    // A second rig over the same folder.
  }
  return rig;
}

/** What every command line of a test starts from. */
export function cleanEnv(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: 'test',
    GIT_AUTHOR_EMAIL: 'test@example.com',
    GIT_COMMITTER_NAME: 'test',
    GIT_COMMITTER_EMAIL: 'test@example.com',
    ...extra,
  };
}

function start(
  { root, cli }: { root: string; cli: string },
  args: readonly string[],
  options: RunOptions = {},
): Running {
  const child = spawn(process.execPath, [cli, ...args], {
    cwd: join(root, options.cwd ?? '.'),
    env: cleanEnv(options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const waiting = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    for (const look of waiting) look();
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
    for (const look of waiting) look();
  });
  const ended = new Promise<Ran>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return {
    process: child,
    ended,
    seen: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!stdout.includes(text) && !stderr.includes(text)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
        void ended.then(() => reject(new Error(`the command ended without "${text}":\n${stdout}${stderr}`)));
      }),
  };
}
