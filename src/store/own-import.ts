import { dirname, join } from 'node:path';
import { readIfExists } from '../io/files.ts';
import { asMap, parsePackageJson } from './package-json.ts';
import { packageName } from './packages.ts';

/** Node's conditions beside `import` or `require`, in the order in which a package.json lists them. */
const CONDITIONS: readonly string[] = ['node', 'module-sync', 'default'];
/** A condition only where a stage may load addons. */
const ADDONS = 'node-addons';

/** What asks for a file. */
export type Way = 'import' | 'require';

/** What a package.json says of a name that its own package uses. */
export interface OwnImport {
  /** Absolute path of the package.json. */
  readonly manifest: string;
  /** As they stand there, paths from its folder on: none when it has no such name, two where addons make a difference. */
  readonly targets: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

/**
 * Finds what `#name` means by the `imports`, and the package's own name by the `exports`, of the nearest package.json above
 * `file`; exact names before patterns with one `*`. `undefined` where none has a say. For `#name` each file that is looked
 * for is added to `asked`. Source: https://nodejs.org/api/packages.html#subpath-imports, and
 * https://nodejs.org/api/packages.html#self-referencing-a-package-using-its-name
 */
export function createOwnImports(
  asked: Set<string>,
): (file: string, specifier: string, way: Way) => OwnImport | undefined {
  const manifests = new Map<string, Json | undefined>();

  function readManifest(path: string): Json | undefined {
    if (!manifests.has(path)) {
      const bytes = readIfExists(path);
      manifests.set(path, bytes && parsePackageJson(bytes));
    }
    return manifests.get(path);
  }

  return (file, specifier, way) => {
    for (let folder = dirname(file); ; folder = dirname(folder)) {
      const manifest = join(folder, 'package.json');
      if (specifier.startsWith('#')) asked.add(manifest);
      const json = readManifest(manifest);
      if (json) {
        const named = namesIn(json, specifier);
        return named && { manifest, targets: targetsOf(named.names, named.name, way) };
      }
      if (folder === dirname(folder)) return undefined;
    }
  };
}

/** Where to look for a specifier, and by what name; `undefined` for another package's. */
function namesIn(json: Json, specifier: string): { readonly names: Json; readonly name: string } | undefined {
  if (specifier.startsWith('#')) return { names: asMap(json['imports']), name: specifier };
  const { name, exports } = json;
  if (exports === undefined || exports === null || packageName(specifier) !== name) return undefined;
  const isMap = Object.keys(asMap(exports)).some((key) => key.startsWith('.'));
  return { names: isMap ? asMap(exports) : { '.': exports }, name: `.${specifier.slice(name.length)}` };
}

function targetsOf(names: Json, name: string, way: Way): readonly string[] {
  const { target, hole } = lookUp(names, name);
  const found = [
    [way, ...CONDITIONS],
    [way, ...CONDITIONS, ADDONS],
  ].flatMap((conditions) => byCondition(target, conditions) ?? []);
  return [...new Set(found)].map((text) => (hole === undefined ? text : text.replaceAll('*', () => hole)));
}

function lookUp(names: Json, name: string): { readonly target?: unknown; readonly hole?: string } {
  if (Object.hasOwn(names, name)) return { target: names[name] };
  const patterns = Object.keys(names).filter((pattern) => pattern.includes('*'));
  // The longest text before the star wins.
  patterns.sort((a, b) => b.indexOf('*') - a.indexOf('*') || b.length - a.length);
  for (const pattern of patterns) {
    const [head = '', tail = ''] = pattern.split('*');
    if (!name.startsWith(head) || !name.endsWith(tail)) continue;
    if (name.length <= head.length + tail.length) continue;
    return { target: names[pattern], hole: name.slice(head.length, name.length - tail.length) };
  }
  return {};
}

function byCondition(target: unknown, conditions: readonly string[]): string | undefined {
  if (typeof target === 'string') return target;
  if (typeof target !== 'object' || target === null || Array.isArray(target)) return undefined;
  for (const [condition, below] of Object.entries(target)) {
    const found = conditions.includes(condition) ? byCondition(below, conditions) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}
