import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { lstatIfExists, statIfExists } from '../io/files.ts';

/** The path in a relative specifier or URL: without query and fragment, `%20` as the blank that it stands for. */
export function specifierPath(specifier: string): string {
  const path = specifier.replace(/[?#].*$/s, '');
  try {
    return decodeURIComponent(path);
  } catch {
    // No URL: Node says so when the stage runs.
    return path;
  }
}

/** Where files really are, and what paths mean in them. */
export interface RealPaths {
  /** Node takes a file that is, or lies behind, a link for the one that it really is: all it imports is looked for from there. */
  readonly realOf: (full: string) => string;
  /** What a specifier's path means in a file; where its name beside the link leads to the same, that one stays. */
  readonly pathIn: (full: string, specifier: string) => string;
}

export function createRealPaths(): RealPaths {
  const known = new Map<string, string>();

  function realFolderOf(full: string): string {
    const folder = dirname(full);
    let real = known.get(folder);
    if (real === undefined) known.set(folder, (real = realpathSync.native(folder)));
    return real;
  }

  function realOf(full: string): string {
    let real = known.get(full);
    if (real === undefined) {
      // Few files are links themselves, and many share a folder.
      const isLink = lstatIfExists(full)?.isSymbolicLink() === true;
      real = isLink ? realpathSync.native(full) : join(realFolderOf(full), basename(full));
      known.set(full, real);
    }
    return real;
  }

  return {
    realOf,
    pathIn(full, specifier) {
      const path = specifierPath(specifier);
      const near = resolve(dirname(full), path);
      const real = resolve(dirname(realOf(full)), path);
      return near === real || isOneFile(near, real) ? near : real;
    },
  };
}

/** Of a path with holes the folder above the first one counts. */
function isOneFile(...paths: readonly [string, string]): boolean {
  const [one, other] = paths.map((path) => statIfExists(path.replace(/\/[^/]*\*.*$/, '')));
  return one !== undefined && one.ino === other?.ino && one.dev === other.dev;
}
