import { dirname, join } from 'node:path';
import { statIfExists } from '../io/files.ts';

/** True when a folder or one above it is the root of a git repository; git itself is not asked. */
export function isBelowRepository(folder: string): boolean {
  if (statIfExists(join(folder, '.git'))) return true;
  const above = dirname(folder);
  return above !== folder && isBelowRepository(above);
}

type Env = Readonly<Record<string, string | undefined>>;

/** Where git is asked, and with which environment. */
export interface GitPlace {
  readonly cwd: string;
  readonly env: Env;
}

/**
 * Git is asked of the repository in which a folder lies. By these variables it leads its hooks to one of its own, and where it
 * sets them in a linked work tree, takes the folder that it is asked in for the top.
 */
export function gitPlace(root: string, env: Env): GitPlace {
  const leading = { GIT_DIR: undefined, GIT_WORK_TREE: undefined, GIT_INDEX_FILE: undefined };
  return { cwd: root, env: isBelowRepository(root) ? { ...env, ...leading } : env };
}
