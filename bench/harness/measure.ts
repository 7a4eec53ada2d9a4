import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A process to measure: its words, its working folder, and what is added to the environment. */
export interface Command {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** What one process took. */
export interface Measured {
  /** From its start until it ended. */
  readonly wallMs: number;
  /** CPU time of the process alone, all its threads, without its children. */
  readonly ownCpuMs: number;
  /** CPU time with the children it waited for. */
  readonly cpuMs: number;
  /** The largest resident set of the process or of one of its children. */
  readonly peakBytes: number;
  readonly stdout: string;
  readonly stderr: string;
}

const MEASURE = join(import.meta.dirname, 'measure.py');

/** Brings back so much memory, where the host of a virtual machine has taken it; see `warm-memory.py`. */
export function warmMemory(bytes: number): void {
  runPython('warm-memory.py', String(bytes));
}

/** Takes a folder out of the page cache; see `pages.py`. */
export function forgetPages(folder: string): void {
  runPython('pages.py', 'forget', folder);
}

/** Brings a folder into the page cache; see `pages.py`. */
export function readPages(folder: string): void {
  runPython('pages.py', 'read', folder);
}

function runPython(script: string, ...words: readonly string[]): void {
  execFileSync(findPython(), ['-I', '-S', join(import.meta.dirname, script), ...words], { stdio: 'inherit' });
}

/**
 * Runs a command to its end. Throws, with what it printed, when it does not exit with 0: a benchmark of a failure means
 * nothing. `scratch` is a folder for its output.
 */
export function measure({ argv, cwd, env = {} }: Command, scratch: string): Measured {
  const files = ['measured.json', 'stdout', 'stderr'].map((name) => join(scratch, name));
  const [result = '', out = '', err = ''] = files;
  execFileSync(findPython(), ['-I', '-S', MEASURE, ...files, cwd, ...argv], {
    env: environment(env),
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const told = JSON.parse(readFileSync(result, 'utf8')) as Record<
    'wall' | 'own' | 'all' | 'peak' | 'code',
    number
  >;
  const stdout = readFileSync(out, 'utf8');
  const stderr = readFileSync(err, 'utf8');
  if (told.code !== 0) {
    throw new Error(
      `"${argv.join(' ')}" exited with ${told.code}\n${stdout.slice(-2000)}${stderr.slice(-4000)}`,
    );
  }
  return {
    wallMs: told.wall * 1000,
    ownCpuMs: told.own * 1000,
    cpuMs: told.all * 1000,
    peakBytes: told.peak * 1024,
    stdout,
    stderr,
  };
}

/** The environment every measured program gets: no colour, no CI, no telemetry, UTF-8, UTC. */
export function environment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    DVC_NO_ANALYTICS: '1',
    TURBO_TELEMETRY_DISABLED: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    ...extra,
  };
}

/** The system's Python starts faster and is smaller than one behind a version switcher. */
function findPython(): string {
  return existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
}
