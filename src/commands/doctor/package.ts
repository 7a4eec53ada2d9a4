import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256Hex } from '../../base/hash.ts';
import { formatList, plural } from '../../base/text.ts';
import { readIfExists } from '../../io/files.ts';
import type { Check } from './check.ts';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const NAME = 'lockstep-data';
/** Path → SHA-256 in hex of what was packed, written by `scripts/pack-package.ts`. */
const CONTENTS = 'dist/contents.json';

/** Which Node runs us; an older one than we need never gets here. */
export function checkNode(): Check {
  const { node } = process.versions;
  return {
    check: 'node',
    status: 'ok',
    message: `Node ${node} on ${process.platform} ${process.arch} (${process.execPath})`,
  };
}

/** Our own package: what it is, whether it is whole, and whether the packages it needs are installed as it names them. */
export function* checkPackage(): Generator<Check> {
  const here = import.meta.url;
  const found = findPackage(dirname(fileURLToPath(here)));
  if (!found) {
    yield {
      check: 'package',
      status: 'fail',
      message: `no package.json of ${NAME} stands above ${fileURLToPath(here)}`,
      cure: `install it again: npm install ${NAME}`,
    };
    return;
  }
  const { root, manifest } = found;
  const kind = here.endsWith('.ts') ? 'run from its source' : 'built';
  const { missing, other } = compareInstalled(root, manifest);
  const damaged = kind === 'built' ? findDamaged(root) : [];
  const title = `${NAME} ${manifest.version}, ${kind} (${root})`;
  const again = kind === 'built' ? 'run "npm install" in the project' : `run "npm ci" in ${root}`;
  if (damaged.length > 0) {
    yield {
      check: 'package',
      status: 'fail',
      message: `${title}; damaged: ${formatList(damaged)}`,
      // npm looks at versions only, and would leave it as it is.
      cure: `remove ${root}, then run "npm install" in the project`,
    };
  } else if (missing.length > 0) {
    yield {
      check: 'package',
      status: 'fail',
      message: `${title}; not installed: ${formatList(missing)}`,
      cure: again,
    };
  } else if (other.length > 0) {
    yield {
      check: 'package',
      status: 'warn',
      message: `${title}; other versions than it was tested with: ${formatList(other)}`,
      cure: again,
    };
  } else {
    const count = Object.keys(manifest.dependencies ?? {}).length;
    yield {
      check: 'package',
      status: 'ok',
      message: `${title}; ${plural(count, 'package')} it needs ${count === 1 ? 'is' : 'are'} installed`,
    };
  }
}

/** Files of the built package that are gone or are not what was packed. */
function findDamaged(root: string): readonly string[] {
  const packed = readJson(join(root, CONTENTS)) as Readonly<Record<string, string>> | undefined;
  if (!packed) return [CONTENTS];
  return Object.keys(packed).filter((path) => {
    const bytes = readIfExists(join(root, path));
    return !bytes || sha256Hex(bytes) !== packed[path];
  });
}

/** Dependencies that are not where Node looks for them from `root`, and those with another version than is pinned. */
export function compareInstalled(
  root: string,
  { dependencies = {} }: Pick<Manifest, 'dependencies'>,
): { readonly missing: readonly string[]; readonly other: readonly string[] } {
  const missing: string[] = [];
  const other: string[] = [];
  for (const [name, wanted] of Object.entries(dependencies)) {
    const manifest = findInstalled(root, name);
    const version = manifest && (readJson(manifest) as Manifest | undefined)?.version;
    if (version === undefined) missing.push(name);
    else if (/^\d+\.\d+\.\d+$/.test(wanted) && version !== wanted)
      other.push(`${name} ${version} instead of ${wanted}`);
  }
  return { missing, other };
}

function findInstalled(root: string, name: string): string | undefined {
  for (let folder = root; ; folder = dirname(folder)) {
    const path = join(folder, 'node_modules', name, 'package.json');
    if (existsSync(path)) return path;
    if (folder === dirname(folder)) return undefined;
  }
}

function findPackage(from: string): { readonly root: string; readonly manifest: Manifest } | undefined {
  for (let root = from; ; root = dirname(root)) {
    const manifest = readJson(join(root, 'package.json')) as Manifest | undefined;
    if (manifest?.name === NAME) return { root, manifest };
    if (root === dirname(root)) return undefined;
  }
}

/** `undefined` of a file that is not there or is not JSON. */
function readJson(path: string): unknown {
  try {
    const bytes = readIfExists(path);
    return bytes && JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
