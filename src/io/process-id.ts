import { readFileSync } from 'node:fs';

/**
 * When a process started, as an opaque text; with the pid it names one process for ever, though pids are reused.
 * `undefined` when no such process lives (a zombie does not live).
 */
export function processStart(pid: number): string | undefined {
  if (process.platform === 'linux') return livingStat(pid)?.[19];
  try {
    const { execFileSync } = process.getBuiltinModule('node:child_process');
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined;
  }
}

/** What Linux tells of a living process, from its state on: the parent is 1, the group 2, the start 19. */
export function livingStat(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command name, in parentheses, may itself hold blanks and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields;
  } catch {
    return undefined;
  }
}

/** `<pid>-<start>` of this process: the owner mark in temp names and records. */
export function ownerMark(): string {
  mark ??= `${process.pid}-${(processStart(process.pid) ?? '0').replaceAll(/[^0-9A-Za-z]/g, '')}`;
  return mark;
}
let mark: string | undefined;

/** True when the process that left this mark still lives. */
export function isOwnerAlive(owner: string): boolean {
  const match = /^(\d+)-([0-9A-Za-z]+)$/.exec(owner);
  if (!match) return false;
  const start = processStart(Number(match[1]));
  return start !== undefined && start.replaceAll(/[^0-9A-Za-z]/g, '') === match[2];
}
