import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './rig.ts';

/** Makes of a folder what a newcomer has after `git clone` and `npm ci`: this repository's files as they are now, and its packages. */
export function cloneRepository(root: string): void {
  mkdirSync(root, { recursive: true });
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: REPOSITORY,
    encoding: 'utf8',
  });
  for (const file of listed.split('\0').filter((name) => name !== ''))
    cpSync(join(REPOSITORY, file), join(root, file), { recursive: true });
  symlinkSync(realpathSync(join(REPOSITORY, 'node_modules')), join(root, 'node_modules'));
}
