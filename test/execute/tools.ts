import { execFileSync } from 'node:child_process';
import { lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Event } from '../../src/base/event.ts';
import type { Problem } from '../../src/base/error.ts';
import type { Ran, Rig } from '../rig.ts';

/** The events of a `--json` run. */
export function eventsOf(ran: Ran): readonly Event[] {
  return ran.stdout
    .split('\n')
    .filter((line) => line.startsWith('{') && !line.startsWith('{"type":"error"'))
    .map((line) => JSON.parse(line) as Event);
}

/** Stage → outcome, in the order in which they finished. */
export function outcomesOf(ran: Ran): Readonly<Record<string, string>> {
  const finished = eventsOf(ran).filter((event) => event.type === 'stage-finished');
  return Object.fromEntries(finished.map((event) => [event.stage, event.outcome]));
}

/** The problem of a stage of a `--json` run that failed; throws when it did not. */
export function problemOf(ran: Ran, stage: string): Problem {
  for (const event of eventsOf(ran))
    if (event.type === 'stage-finished' && event.stage === stage && event.problem) return event.problem;
  throw new Error(`stage ${stage} has no problem:\n${ran.stdout}${ran.stderr}`);
}

/** All that a stage wrote to one stream, joined. */
export function outputOf(ran: Ran, stage: string, stream: 'stdout' | 'stderr' | 'log'): string {
  return eventsOf(ran)
    .filter((event) => event.type === 'stage-output')
    .filter((event) => event.stage === stage && event.stream === stream)
    .map((event) => event.chunk)
    .join('');
}

/** Every path below a folder with its mode and content; links with their target. */
export function treeOf(folder: string, below = ''): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    const mode = (lstatSync(join(folder, path)).mode & 0o777).toString(8);
    if (entry.isDirectory()) Object.assign(found, { [path]: mode }, treeOf(folder, path));
    else if (entry.isSymbolicLink()) found[path] = `-> ${readlinkSync(join(folder, path))}`;
    else found[path] = `${mode} ${readFileSync(join(folder, path), 'latin1')}`;
  }
  return found;
}

/** Command lines of the living processes whose environment or arguments name the project. */
export function processesOf(rig: Rig): readonly string[] {
  const found: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (Number(pid) === process.pid || isZombie(pid)) continue;
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      const text = `${line}\0${readFileSync(`/proc/${pid}/environ`, 'utf8')}`;
      if (text.includes(rig.root)) found.push(`${pid} ${line.replaceAll('\0', ' ')}`);
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

/** True while a process lives; a zombie does not. */
export function isAlive(pid: number): boolean {
  try {
    return !isZombie(String(pid));
  } catch {
    return false;
  }
}

function isZombie(pid: string): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat[stat.lastIndexOf(')') + 2] === 'Z';
}

export function makeFifo(path: string): void {
  execFileSync('mkfifo', [path]);
}

/**
 * Environment that makes a command line die, or fail with a system error, at the first rename whose target has the
 * given end: the crash and the full disk that no test can time.
 */
export function faultAtRename(
  target: string,
  fault: 'kill-before' | 'kill-after' | 'ENOSPC' | 'EACCES',
): Record<string, string> {
  const code = `import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
const rename = fs.renameSync;
let met = false;
fs.renameSync = (from, to) => {
  if (met || !String(to).endsWith(${JSON.stringify(target)})) return rename(from, to);
  met = true;
  const fault = ${JSON.stringify(fault)};
  if (fault === 'kill-before') process.kill(process.pid, 'SIGKILL');
  if (fault.startsWith('E')) throw Object.assign(new Error(fault + ': injected'), { code: fault, syscall: 'rename', path: to });
  rename(from, to);
  process.kill(process.pid, 'SIGKILL');
};
syncBuiltinESMExports();`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` };
}
