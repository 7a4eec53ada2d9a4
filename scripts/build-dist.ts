import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { buildCommand, bundleOptions, takeBuiltins } from './build-command.ts';
import { BUNDLED, readManifest } from './manifest.ts';
import { collectLicenses } from './licenses.ts';

/**
 * Builds what the npm package runs into an empty folder: `cli.js` with its parts, `child.js` (the entry of a stage
 * process), `index.js` and the modules below `market/` one file each, with their declarations, and the licences of the
 * packages that are bundled in. Throws when a file that stage processes load would need another one.
 */
export async function buildDist(root: string, dist: string): Promise<void> {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist, { recursive: true });
  emitModules(root, dist);
  const { dependencies } = readManifest(root);
  const external = Object.keys(dependencies)
    .filter((name) => !BUNDLED.has(name))
    .flatMap((name) => [name, `${name}/*`]);
  // A stage process may read this one file of ours, so it shares no chunk with anything.
  await build({
    ...bundleOptions({ root, dist, external }),
    entryPoints: { child: 'src/execute/child.ts' },
  });
  takeBuiltins(join(dist, 'child.js'));
  const sources = await buildCommand({ root, dist, external });
  for (const name of ['child.js', 'index.js']) refuseImports(join(dist, name));
  writeFileSync(join(dist, 'THIRD-PARTY-LICENSES.txt'), collectLicenses(root, sources));
}

/** One JavaScript file and one declaration per source, in the layout of src/: stages count these files one by one. */
function emitModules(root: string, dist: string): void {
  const emitted = join(dist, 'emitted');
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', emitted], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  cpSync(join(emitted, 'src'), dist, { recursive: true });
  rmSync(emitted, { recursive: true });
}

/** A stage process is granted exactly these files; an import of another would be denied in every stage. */
function refuseImports(path: string): void {
  const found = /^\s*(?:import|export)\b[^;]*?\bfrom\s*["'](?!node:)([^"']+)["']/m.exec(
    readFileSync(path, 'utf8'),
  );
  if (found) throw new Error(`"${path}" imports "${found[1]}", but stage processes may not read that file`);
}
