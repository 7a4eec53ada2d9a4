import { readFileSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, join, relative, resolve } from 'node:path';
import { build } from 'esbuild';
import type { BuildOptions, Plugin } from 'esbuild';
import { loadBuiltinsDirectly } from './builtin-modules.ts';
import { compileSchemas } from './compiled-schemas.ts';

/** What a command that finds nothing to do loads when it runs; all they import is in the one file `cli.js`. */
const FIRST = [
  'src/cli.ts',
  'src/commands/repro.ts',
  'src/commands/status.ts',
  'src/listeners/console.ts',
  'src/listeners/schedule.ts',
];

/** What threads and processes of ours start from, by the name of the built file: each shares nothing with the command. */
const ALONE: Readonly<Record<string, string>> = {
  'part-crew': 'src/io/crew.ts',
  launcher: 'src/io/launcher-process.ts',
};

/** Chunks lie beside the entry, so that paths relative to a module hold in each of them as they do in src/. */
const CHUNK = '[name]-[hash]';

export interface CommandBuild {
  readonly root: string;
  readonly dist: string;
  /** Packages that are not bundled. */
  readonly external: readonly string[];
}

type BundleOptions = BuildOptions & { readonly format: 'esm'; readonly outdir: string };

/** How everything that goes into the package is bundled. */
export function bundleOptions({ root, dist, external }: CommandBuild): BundleOptions {
  return {
    absWorkingDir: root,
    outdir: dist,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    external: [...external],
    // Not minified: two milliseconds at start are less than a stack trace that can be read.
    minify: false,
    legalComments: 'none',
  };
}

/**
 * Builds the command: `cli.js`, one file with everything that a run with nothing to do needs, and `part-….js` with its
 * chunks for what is loaded on demand; those import what they share with it from `cli.js`. Returns the paths of all
 * sources, relative to the root. Throws when two modules of `cli.js` export one name, or when a part starts threads with
 * its own file.
 */
export async function buildCommand({ root, dist, external }: CommandBuild): Promise<readonly string[]> {
  const options = { ...bundleOptions({ root, dist, external }), metafile: true } satisfies BuildOptions;
  const parts = new Map<string, string>();
  const bundled = (name: string): boolean =>
    !isBuiltin(name) &&
    !external.some((one) => one === name || (one.endsWith('/*') && name.startsWith(one.slice(0, -1))));
  const plugins = [cutAtDynamicImports({ root, parts, bundled })];
  const draft = await build({ ...options, entryPoints: FIRST, write: false, plugins });
  const first = Object.keys(draft.metafile.inputs).sort();
  const core = await build({
    ...options,
    stdin: { contents: await exportAll(root, first), resolveDir: root, sourcefile: 'cli.ts', loader: 'ts' },
    entryNames: 'cli',
    plugins,
  });
  const alone = await Promise.all(
    Object.entries(ALONE).map(([name, path]) =>
      build({ ...options, entryPoints: { [name]: path }, splitting: true, chunkNames: CHUNK }),
    ),
  );
  const rest = await build({
    ...options,
    entryPoints: Object.fromEntries([...parts].filter(([name]) => !Object.hasOwn(ALONE, name))),
    splitting: true,
    chunkNames: CHUNK,
    plugins: [shareWithCore(root, new Set(first)), compileSchemas(root)],
    // CommonJS packages ask for Node's modules by `require`, which an ES module does not have.
    banner: {
      js: "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);",
    },
  });
  for (const { metafile } of [core, rest])
    for (const path of Object.keys(metafile.outputs)) refuseThreads(join(root, path));
  const outputs = [core, ...alone, rest].flatMap(({ metafile }) => Object.entries(metafile.outputs));
  for (const [path] of outputs) takeBuiltins(join(root, path));
  return outputs.flatMap(([, { inputs }]) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
}

/** Rewrites a built file so that it loads of Node's modules only what it uses. */
export function takeBuiltins(file: string): void {
  writeFileSync(file, loadBuiltinsDirectly(readFileSync(file, 'utf8')));
}

/** A thread that starts from a file of the command would load the command. */
function refuseThreads(file: string): void {
  if (/new Worker\d*\(new URL\(import\.meta\.url\)/.test(readFileSync(file, 'utf8')))
    throw new Error(`"${file}" starts threads with its own file: name its source in ALONE`);
}

/** The file that `import()` of a module or package leads to. */
function nameOf(path: string): string {
  return `part-${basename(path, '.ts')}`;
}

interface Cut {
  readonly root: string;
  /** Name of a part → what it holds; filled while building. */
  readonly parts: Map<string, string>;
  readonly bundled: (name: string) => boolean;
}

/** Leaves out what is imported on demand, except what `FIRST` names, and notes it as a part. */
function cutAtDynamicImports({ root, parts, bundled }: Cut): Plugin {
  return {
    name: 'cut-at-dynamic-imports',
    setup(build) {
      build.onResolve({ filter: /./ }, ({ kind, path, resolveDir }) => {
        if (kind !== 'dynamic-import') return undefined;
        const own = path.startsWith('.');
        const source = own ? relative(root, resolve(resolveDir, path)) : path;
        if (own ? FIRST.includes(source) : !bundled(path)) return undefined;
        const name = nameOf(source);
        if ((parts.get(name) ?? source) !== source)
          throw new Error(`"${source}" and "${parts.get(name)}" would both become ${name}.js`);
        parts.set(name, source);
        return { path: `./${name}.js`, external: true };
      });
    },
  };
}

/** What `cli.js` holds is taken from there: a second copy of a class would be another class. */
function shareWithCore(root: string, first: ReadonlySet<string>): Plugin {
  return {
    name: 'share-with-core',
    setup(build) {
      build.onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
        const source = relative(root, resolve(resolveDir, path));
        const name = nameOf(source);
        if (Object.hasOwn(ALONE, name)) return { path: `./${name}.js`, external: true };
        return first.has(source) ? { path: './cli.js', external: true } : undefined;
      });
    },
  };
}

/** The text of a module that exports all names of these modules. */
async function exportAll(root: string, paths: readonly string[]): Promise<string> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [...paths],
    format: 'esm',
    outdir: 'unused',
    outbase: '.',
    write: false,
    metafile: true,
  });
  const homes = new Map<string, string>();
  const lines = Object.values(metafile.outputs).map(({ entryPoint = '', exports }) => {
    const names = exports.filter((name) => name !== 'default');
    for (const name of names) {
      const other = homes.get(name);
      if (other !== undefined)
        throw new Error(`"${entryPoint}" and "${other}" both export "${name}": rename one of them`);
      homes.set(name, entryPoint);
    }
    return `export { ${names.join(', ')} } from './${entryPoint}';\n`;
  });
  return lines.join('');
}
