import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildPackage } from './pack-package.ts';

const ROOT = resolve(import.meta.dirname, '..');
const BUILD = join(ROOT, 'build', 'test');

/**
 * Runs Node's test runner with these words. The tests drive the package as it is installed: that is what users run, and it
 * starts in half the time that the sources take.
 */
export async function runTests(
  words: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  await build();
  const { status } = spawnSync(process.execPath, ['--conditions=lockstep-source', '--test', ...words], {
    stdio: 'inherit',
    env: {
      ...env,
      LOCKSTEP_TEST_PACKAGE: join(BUILD, 'package'),
      NODE_COMPILE_CACHE: join(BUILD, 'compile'),
    },
  });
  process.exitCode = status ?? 1;
}

/** Builds the package, unless it was built from the same bytes: another run may be using it. */
async function build(): Promise<void> {
  const stamp = join(BUILD, 'built-from');
  const now = digestOfInputs();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === now) return;
  rmSync(stamp, { force: true });
  await buildPackage(ROOT, BUILD);
  writeFileSync(stamp, now);
}

/** One hash over everything that the package is made of, of the installed packages only which they are. */
function digestOfInputs(): string {
  const names = '{{src,scripts,bin,schema,calendars}/**,*.json,node_modules/.package-lock.json}';
  const hash = createHash('sha256').update(process.version);
  for (const name of globSync(names, { cwd: ROOT }).sort()) {
    const path = join(ROOT, name);
    if (statSync(path).isFile()) hash.update(`\n${name}\n`).update(readFileSync(path));
  }
  return hash.digest('hex');
}
