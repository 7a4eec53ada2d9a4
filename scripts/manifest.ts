import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Packages that go into the command's bundle, because every run loads them and many small files are slow to load
 * (numbers in docs/decisions/0001-packaging.md). All others stay packages, imported when they are needed.
 */
export const BUNDLED: ReadonlySet<string> = new Set([
  'acorn',
  'ajv',
  'croner',
  'execa',
  'js-yaml',
  'p-limit',
  'picomatch',
  'yaml',
]);

/** The parts of package.json that packaging reads. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly files: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
}

/** Reads the repository's package.json. */
export function readManifest(root: string): Manifest {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
}

/**
 * The package.json that is published: what only a clone needs is gone (scripts, devDependencies, the Node binaries of
 * optionalDependencies, the condition that leads to sources; and `private`: a clone itself, without built files, must not
 * be published), and so are dependencies that are bundled and that no published file imports. `imported`: names of the
 * packages that published files import.
 */
export function toPublished(manifest: Manifest, imported: ReadonlySet<string>): Manifest {
  const exports = Object.entries(manifest.exports).map(([name, target]) => [
    name,
    typeof target === 'string'
      ? target
      : Object.fromEntries(Object.entries(target).filter(([condition]) => condition !== 'lockstep-source')),
  ]);
  const dependencies = Object.entries(manifest.dependencies).filter(
    ([name]) => !BUNDLED.has(name) || imported.has(name),
  );
  const published: Record<string, unknown> = {
    ...manifest,
    exports: Object.fromEntries(exports) as Manifest['exports'],
    dependencies: Object.fromEntries(dependencies),
  };
  for (const key of ['private', 'scripts', 'devDependencies', 'optionalDependencies']) delete published[key];
  return published as unknown as Manifest;
}
