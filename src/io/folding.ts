import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempName } from './files.ts';

/** True when the file system takes `A` and `a` for one name. */
export function foldsNames(folder: string): boolean {
  return isOneName(folder, 'a', 'A');
}

/** True when it takes the composed and the decomposed form of a letter for one. */
export function foldsForms(folder: string): boolean {
  return isOneName(folder, '\u00e9', 'e\u0301');
}

/** Found by trying, in a folder that we own; what a crash leaves there is swept like any temp file. */
function isOneName(folder: string, one: string, other: string): boolean {
  const probe = tempName(join(folder, 'probe'));
  mkdirSync(probe);
  try {
    writeFileSync(join(probe, one), '');
    return existsSync(join(probe, other));
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
}
