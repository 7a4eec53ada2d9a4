import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { REPOSITORY } from './rig.ts';

interface Locked {
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

test('npm ci accepts the lock on every platform, from any registry', () => {
  const { packages } = JSON.parse(readFileSync(join(REPOSITORY, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, Locked>>;
  };
  assert.ok(Object.keys(packages).length > 100);
  for (const [path, locked] of Object.entries(packages)) {
    assert.equal(locked.resolved, undefined, path);
    for (const name of Object.keys(locked.optionalDependencies ?? {})) {
      const places = [`${path}/node_modules/${name}`, `node_modules/${name}`];
      assert.ok(
        places.some((place) => place in packages),
        `"${path}" may bring "${name}", which is not in the lock`,
      );
    }
  }
});
