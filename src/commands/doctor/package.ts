import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sha256Hex } from '../../base/hash.ts';
import { formatList, plural } from '../../base/text.ts';
import { PACKAGE, runsFromSource } from '../../ground.ts';
import { readIfExists } from '../../io/files.ts';
import type { Check } from './check.ts';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

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
  const root = PACKAGE;
  const { name, version, dependencies = {} } = readJson(join(root, 'package.json')) as Manifest;
  const isBuilt = !runsFromSource();
  const { missing, other } = compareInstalled(root, dependencies);
  const damaged = isBuilt ? findDamaged(root) : [];
  const title = `${name} ${version}, ${isBuilt ? 'built' : 'run from its source'} (${root})`;
  const again = isBuilt ? 'run "npm install" in the project' : `run "npm ci" in ${root}`;
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
    const count = Object.keys(dependencies).length;
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
  dependencies: Readonly<Record<string, string>>,
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
