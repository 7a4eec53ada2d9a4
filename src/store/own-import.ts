import { dirname, join } from 'node:path';
import { readIfExists } from '../io/files.ts';
import { asMap, parsePackageJson } from './package-json.ts';
import { specifierPath } from './specifier-path.ts';

/** Node's conditions for an import, in the order in which a package.json lists them. */
const CONDITIONS = new Set(['import', 'node', 'module-sync', 'default']);

/**
 * What `#name` means: an absolute path or the specifier of a package, by the `imports` of the nearest package.json above
 * `file`, exact names before patterns with one `*`; `undefined` when there is no such name. Each file that is looked for is
 * added to `asked`. Source: https://nodejs.org/api/packages.html#subpath-imports
 */
export function findOwnImport(file: string, specifier: string, asked: Set<string>): string | undefined {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const path = join(folder, 'package.json');
    asked.add(path);
    const bytes = readIfExists(path);
    if (bytes) {
      const target = targetOf(bytes, specifier);
      return target?.startsWith('./') === true ? join(folder, specifierPath(target)) : target;
    }
    if (folder === dirname(folder)) return undefined;
  }
}

function targetOf(bytes: Buffer, specifier: string): string | undefined {
  const imports = asMap(parsePackageJson(bytes)['imports']);
  if (Object.hasOwn(imports, specifier)) return byCondition(imports[specifier]);
  const patterns = Object.keys(imports).filter((name) => name.includes('*'));
  // The longest text before the star wins.
  patterns.sort((a, b) => b.indexOf('*') - a.indexOf('*') || b.length - a.length);
  for (const pattern of patterns) {
    const [head = '', tail = ''] = pattern.split('*');
    if (!specifier.startsWith(head) || !specifier.endsWith(tail)) continue;
    if (specifier.length <= head.length + tail.length) continue;
    const hole = specifier.slice(head.length, specifier.length - tail.length);
    return byCondition(imports[pattern])?.replaceAll('*', () => hole);
  }
  return undefined;
}

function byCondition(target: unknown): string | undefined {
  if (typeof target === 'string') return target;
  if (typeof target !== 'object' || target === null || Array.isArray(target)) return undefined;
  for (const [condition, below] of Object.entries(target)) {
    const found = CONDITIONS.has(condition) ? byCondition(below) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}
