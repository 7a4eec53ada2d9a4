import { dirname, join } from 'node:path';
import { statIfExists } from '../io/files.ts';

/** True when a folder or one above it is the root of a git repository; git itself is not asked. */
export function isBelowRepository(folder: string): boolean {
  if (statIfExists(join(folder, '.git'))) return true;
  const above = dirname(folder);
  return above !== folder && isBelowRepository(above);
}
