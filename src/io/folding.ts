import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempName } from './files.ts';

/** True when the file system takes `A` and `a` for one name. Found by trying, in a folder we own. */
export function foldsNames(folder: string): boolean {
  const path = tempName(join(folder, 'probe'));
  const upper = path.replace(/\.tmp$/, '.TMP');
  writeFileSync(path, '', { flag: 'wx' });
  try {
    return existsSync(upper);
  } finally {
    rmSync(path, { force: true });
  }
}
