import { readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isSystemError } from '../base/error.ts';

let points: readonly string[] | undefined;

/**
 * The mount point above an absolute path, which need not be there, or at it; `.lockstep` may be a link to another. One device may be mounted at several places (a container's volumes, bind
 * mounts), and the system renames and links nothing from one to another. Looked up once; `/` where the system tells of none.
 */
export function mountOf(path: string): string {
  const real = realOf(path);
  return mountPoints().find((point) => real === point || real.startsWith(`${point}/`)) ?? '/';
}

/** A mount point at an absolute path without links, or below it. */
export function mountWithin(path: string): string | undefined {
  return mountPoints().find((point) => point === path || point.startsWith(`${path}/`));
}

function mountPoints(): readonly string[] {
  return (points ??= readMountPoints().sort((a, b) => b.length - a.length));
}

function realOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR')) throw error;
    return join(realOf(dirname(path)), basename(path));
  }
}

function readMountPoints(): string[] {
  try {
    const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    return lines.flatMap((line) => line.split(' ')[4] ?? []).map(unescape);
  } catch (error) {
    if (isSystemError(error)) return [];
    throw error;
  }
}

/** Spaces and line ends are written as `\040` and `\012` there. */
function unescape(name: string): string {
  return name.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
