import { isBuiltin } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { PipelineError } from '../base/error.ts';
import type { Location } from '../base/types.ts';
import { isBelow, statIfExists } from '../io/files.ts';
import { isJson } from './code-facts.ts';
import { folderOf, listCode, matchCode } from './list-code.ts';
import { createOwnImports } from './own-import.ts';
import { INSTALLED, packageName } from './packages.ts';
import type { PackageFacts, Packages } from './packages.ts';
import { createRealPaths, specifierPath } from './specifier-path.ts';
import type { ImportFact } from './syntax.ts';

/** Says which files imports lead to. */
export interface Resolver {
  /** How a file is called in the lock: the same on every machine, wherever packages are installed. */
  readonly labelOf: (full: string) => string;
  /** The files that an import of this file leads to. Throws `code.outside` and `code.package-missing`. */
  readonly resolve: (full: string, fact: ImportFact, importing: Importing) => readonly Target[];
  /** Links by which linked packages are found: their files are named by their real paths. */
  readonly linkPlaces: () => readonly string[];
}

export interface ResolverOptions {
  readonly root: string;
  /** Name of the package that gives stages their API; it enters the fingerprint as `api`, not as a package. */
  readonly apiPackage: string;
  /** That package's folder, and the file a specifier of it leads to (`lockstep-data/market/x`), if it is code that counts. */
  readonly apiFolder: string;
  readonly resolveOwn: (specifier: string) => string | undefined;
  readonly packages: Packages;
  /** Each path that is looked for is added, absolute. */
  readonly asked: Set<string>;
}

export interface Importing {
  readonly place: Location;
  /** Installed packages are noted here: no file of theirs is a target. */
  readonly imported: Map<string, PackageFacts>;
  /** And here what names mean that a package.json explains, by its absolute path. */
  readonly explained: Map<string, Map<string, readonly string[]>>;
  /** As in `Target`, of the file that imports. */
  readonly loose: boolean;
}

/** A file that another leads to. */
export interface Target {
  readonly full: string;
  /** A file of a linked package that nobody is known to import: what is wrong with it is not told. */
  readonly loose: boolean;
  /** JSON that may be read as text. */
  readonly verbatim: boolean;
}

export function createResolver(options: ResolverOptions): Resolver {
  const { root, apiPackage, apiFolder, resolveOwn, packages, asked } = options;
  /** Folder → what stands before its files' paths in the lock. The API's folder may lie below the root. */
  const homes = new Map<string, string>();
  if (apiFolder !== root) homes.set(apiFolder, `${apiPackage}/`);
  homes.set(root, '');
  const findOwnImport = createOwnImports(asked);
  const { realOf, pathIn } = createRealPaths();
  /** Folders of packages that are linked to their source, not installed. */
  const linked = new Set<string>();

  const homeOf = (full: string): string | undefined => homes.keys().find((folder) => isBelow(full, folder));

  function labelOf(full: string): string {
    const home = homeOf(full) ?? root;
    return (homes.get(home) ?? '') + relative(home, full).split(sep).join('/');
  }

  function resolve(full: string, fact: ImportFact, importing: Importing): readonly Target[] {
    try {
      return targetsOf(full, fact, importing);
    } catch (error) {
      if (importing.loose && error instanceof PipelineError) return [];
      throw error;
    }
  }

  function targetsOf(full: string, fact: ImportFact, importing: Importing): readonly Target[] {
    const { specifier, glob, url } = fact;
    if (isPath(fact)) return filesAt(pathIn(full, specifier), full, fact, importing);
    if (glob || url || /^(data|file|https?):/.test(specifier)) return [];
    return namedTargets(full, fact, importing);
  }

  /** What the name of a builtin, of a package or of something in one's own package leads to. */
  function namedTargets(full: string, fact: ImportFact, importing: Importing): readonly Target[] {
    const { specifier } = fact;
    if (isBuiltin(specifier) || specifier.startsWith('node:')) return [];
    if (packageName(specifier) === apiPackage) {
      findApi(dirname(realOf(full)));
      const own = resolveOwn(specifier);
      return own === undefined ? [] : [{ full: own, loose: importing.loose, verbatim: false }];
    }
    const explained = explain(full, fact, importing);
    if (!explained) return resolvePackage(full, fact, importing);
    return explained.targets.flatMap((target, index) => {
      // What is for addons only need not be there.
      const asking = index === 0 ? importing : { ...importing, loose: true };
      if (target.startsWith('./'))
        return filesAt(join(explained.folder, specifierPath(target)), full, fact, asking);
      // Only "imports" may name a package, and none of its own names.
      if (!specifier.startsWith('#') || target.startsWith('#')) return [];
      return namedTargets(full, { ...fact, specifier: target }, asking);
    });
  }

  /** The files that a path stands for, by which a file asks for it. */
  function filesAt(
    path: string,
    full: string,
    { specifier, glob, url }: ImportFact,
    { place, loose }: Importing,
  ): readonly Target[] {
    const toTarget = (file: string): Target => ({
      full: file,
      loose,
      verbatim: url === true && isJson(file),
    });
    // A folder around the file is where paths begin, as `import.meta.dirname` is: not all below it is read.
    if (url && !glob && [full, realOf(full)].some((file) => isBelow(file, path))) return [];
    const target = inside(path, specifier, place);
    if (glob) {
      const home = homeOf(target) ?? root;
      asked.add(folderOf(target, home));
      return matchCode(target, home).map(toTarget);
    }
    // Of any other folder that a URL names, each file counts.
    if (url && statIfExists(target)?.isDirectory() === true) {
      asked.add(target);
      return listCode(target).map(toTarget);
    }
    return loose && statIfExists(target)?.isFile() !== true ? [] : [toTarget(target)];
  }

  /** `#name`, or a name of one's own package: what its package.json says of it; `undefined` for another package's. */
  function explain(
    full: string,
    { specifier, required }: ImportFact,
    { place, explained }: Importing,
  ): { readonly folder: string; readonly targets: readonly string[] } | undefined {
    const way = required ? 'require' : 'import';
    const found = findOwnImport(realOf(full), specifier, way);
    const isHash = specifier.startsWith('#');
    if (!found && !isHash) return undefined;
    if (!found || found.targets.length === 0) {
      throw new PipelineError(
        'code.package-missing',
        `"${labelOf(full)}" imports "${specifier}", which no package.json above it explains`,
        {
          at: place,
          hint: isHash
            ? `add "${specifier}" to "imports" in package.json`
            : `add "${specifier.replace(packageName(specifier), '.')}" to "exports" in package.json`,
        },
      );
    }
    const { manifest, targets } = found;
    const names = explained.get(manifest) ?? new Map<string, readonly string[]>();
    explained.set(manifest, names.set(`${way} ${specifier}`, targets));
    return { folder: dirname(manifest), targets };
  }

  function resolvePackage(full: string, fact: ImportFact, importing: Importing): readonly Target[] {
    const { specifier } = fact;
    const { place, imported } = importing;
    const found = packages.find(specifier, dirname(realOf(full)));
    // In a workspace its packages are installed above the project.
    const [above = root] = found?.folder.split(`${sep}node_modules${sep}`) ?? [];
    for (const folder of [root, above]) for (const name of INSTALLED) asked.add(join(folder, sep, name));
    if (!found) {
      throw new PipelineError(
        'code.package-missing',
        `"${labelOf(full)}" imports "${specifier}", which is not installed`,
        { at: place, hint: isAlias(specifier) ? ALIAS : `run "npm install ${packageName(specifier)}"` },
      );
    }
    if (found.folder.split(sep).includes('node_modules')) {
      imported.set(found.folder, found);
      return [];
    }
    linked.add(found.folder);
    // A workspace links each of its packages, the project too, which is more than its code: its outs and lock are in it.
    const below = specifier.slice(packageName(specifier).length + 1);
    if (below !== '' && isBelow(realOf(full), found.folder))
      return filesAt(join(found.folder, specifierPath(below)), full, fact, importing);
    // A package linked to its source changes without its version changing: all its files count.
    if (!homes.has(found.folder)) homes.set(found.folder, `${found.name}/`);
    asked.add(found.folder);
    return listCode(found.folder).map((path) => ({ full: path, loose: true, verbatim: isJson(path) }));
  }

  function inside(target: string, specifier: string, place: Location): string {
    if (homeOf(target) !== undefined) return target;
    throw new PipelineError(
      'code.outside',
      `"${place.file}" imports "${specifier}", which lies outside the project`,
      { at: place, hint: 'move the file into the project, or install it as a package' },
    );
  }

  const searched = new Set<string>();
  /** By which links the API is found from a folder. */
  function findApi(folder: string): void {
    if (!searched.has(folder)) packages.find(apiPackage, folder);
    searched.add(folder);
  }

  function linkPlaces(): readonly string[] {
    // What is imported from here may import it, too.
    findApi(root);
    return [apiFolder, ...linked].flatMap((folder) => packages.linksTo(folder));
  }

  return { labelOf, resolve, linkPlaces };
}

const ALIAS =
  'Node does not read "paths" in tsconfig.json: import by a path, or by a "#name" under "imports" in package.json';

/** What can be the name of no package, and is what compilers are told to take for a folder. */
function isAlias(specifier: string): boolean {
  return /^(@\/|~|\$)/.test(specifier);
}

/** A path, and not the name of a package; in a URL that is all that names no scheme. */
function isPath({ specifier, glob, url }: ImportFact): boolean {
  if (glob) return /^\.\.?\//.test(specifier);
  return url ? !/^[a-z]+:/i.test(specifier) : /^\.{0,2}(\/|$)/.test(specifier);
}
