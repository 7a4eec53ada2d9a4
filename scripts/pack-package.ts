import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { sha256Hex } from '../src/base/hash.ts';
import { buildDist } from './build-dist.ts';
import { readManifest, toPublished } from './manifest.ts';

const SHIPPED = ['bin', 'schema', 'calendars', 'README.md', 'LICENSE', 'CHANGELOG.md'];

/** Builds what is published into an empty folder `package` below `folder`; returns its path. */
export async function buildPackage(root: string, folder: string): Promise<string> {
  const staged = join(folder, 'package');
  rmSync(staged, { recursive: true, force: true });
  mkdirSync(staged, { recursive: true });
  await buildDist(root, join(staged, 'dist'));
  for (const name of SHIPPED) {
    if (existsSync(join(root, name))) cpSync(join(root, name), join(staged, name), { recursive: true });
  }
  const manifest = toPublished(readManifest(root), await importedPackages(staged));
  writeFileSync(join(staged, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  writeFileSync(join(staged, 'dist', 'contents.json'), `${JSON.stringify(hashFiles(staged), null, 2)}\n`);
  return staged;
}

/**
 * Builds the npm package below `folder` and returns the path of its archive there. An explicit step and no hook of
 * npm's, because this project runs no install scripts.
 */
export async function packPackage(root: string, folder: string): Promise<string> {
  const staged = await buildPackage(root, folder);
  const [packed] = JSON.parse(
    execFileSync(
      'npm',
      ['pack', '--json', '--ignore-scripts', '--offline', '--pack-destination', resolve(folder)],
      {
        cwd: staged,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    ),
  ) as readonly { readonly filename: string }[];
  if (packed === undefined) throw new Error('npm packed nothing');
  return join(resolve(folder), packed.filename);
}

/** Path → SHA-256 in hex of every file that the command reads, from which `lockstep doctor` tells what is damaged. */
function hashFiles(staged: string): Readonly<Record<string, string>> {
  const paths = globSync('{bin,calendars,dist,schema}/**/*.*', { cwd: staged }).sort();
  return Object.fromEntries(paths.map((path) => [path, sha256Hex(readFileSync(join(staged, path)))]));
}

/** Names of the packages that the files of `dist/` import, now or lazily. */
export async function importedPackages(staged: string): Promise<ReadonlySet<string>> {
  const { metafile } = await build({
    absWorkingDir: staged,
    entryPoints: globSync('dist/**/*.js', { cwd: staged }),
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    outdir: 'unused',
    write: false,
    metafile: true,
  });
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
  const specifiers = imports.filter(({ path, external }) => external === true && !isBuiltin(path));
  return new Set(specifiers.map(({ path }) => path.split('/', path.startsWith('@') ? 2 : 1).join('/')));
}
