import { readFileSync } from 'node:fs';
import { isSystemError } from '../base/error.ts';

let points: readonly string[] | undefined;

/**
 * The mount point above an absolute path, or at it. One device may be mounted at several places (a container's volumes, bind
 * mounts), and the system renames and links nothing from one to another. Looked up once; `/` where the system tells of none.
 */
export function mountOf(path: string): string {
  points ??= readMountPoints().sort((a, b) => b.length - a.length);
  return points.find((point) => path === point || path.startsWith(`${point}/`)) ?? '/';
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
