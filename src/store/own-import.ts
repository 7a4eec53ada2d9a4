import { dirname, join } from 'node:path';
import { readIfExists } from '../io/files.ts';
import { asMap, parsePackageJson } from './package-json.ts';
import { specifierPath } from './specifier-path.ts';

/** Node's conditions beside `import` or `require`, in the order in which a package.json lists them. */
const CONDITIONS: readonly string[] = ['node', 'module-sync', 'default'];

/** What asks for a file. */
type Way = 'import' | 'require';

/**
 * What `#name` means: an absolute path or the specifier of a package, by the `imports` of the nearest package.json above
 * `file`, exact names before patterns with one `*`; `undefined` when there is no such name. Each file that is looked for is
 * added to `asked`. Source: https://nodejs.org/api/packages.html#subpath-imports
 */
export function findOwnImport(
  file: string,
  specifier: string,
  { way, asked }: { readonly way: Way; readonly asked: Set<string> },
): string | undefined {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const path = join(folder, 'package.json');
    asked.add(path);
    const bytes = readIfExists(path);
    if (bytes) {
      const target = targetOf(bytes, specifier, way);
      return target?.startsWith('./') === true ? join(folder, specifierPath(target)) : target;
    }
    if (folder === dirname(folder)) return undefined;
  }
}

function targetOf(bytes: Buffer, specifier: string, way: Way): string | undefined {
  const imports = asMap(parsePackageJson(bytes)['imports']);
  if (Object.hasOwn(imports, specifier)) return byCondition(imports[specifier], way);
  const patterns = Object.keys(imports).filter((name) => name.includes('*'));
  // The longest text before the star wins.
  patterns.sort((a, b) => b.indexOf('*') - a.indexOf('*') || b.length - a.length);
  for (const pattern of patterns) {
    const [head = '', tail = ''] = pattern.split('*');
    if (!specifier.startsWith(head) || !specifier.endsWith(tail)) continue;
    if (specifier.length <= head.length + tail.length) continue;
    const hole = specifier.slice(head.length, specifier.length - tail.length);
    return byCondition(imports[pattern], way)?.replaceAll('*', () => hole);
  }
  return undefined;
}

function byCondition(target: unknown, way: Way): string | undefined {
  if (typeof target === 'string') return target;
  if (typeof target !== 'object' || target === null || Array.isArray(target)) return undefined;
  for (const [condition, below] of Object.entries(target)) {
    const found = condition === way || CONDITIONS.includes(condition) ? byCondition(below, way) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}
