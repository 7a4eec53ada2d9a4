import { constants } from 'node:buffer';
import { isBuiltin } from 'node:module';
import { dirname, isAbsolute, join, relative, resolve as resolvePath, sep } from 'node:path';
import { PipelineError, isSystemError } from '../base/error.ts';
import { hashBytes } from '../base/hash.ts';
import { byCodeUnit } from '../base/path.ts';
import type { ContentHash, Location } from '../base/types.ts';
import type { Clock } from '../io/clock.ts';
import { readIfExists, statIfExists } from '../io/files.ts';
import { hashFile } from '../io/hash-file.ts';
import { ParserMissing, asBytes, createCodeStore, isJson } from './code-facts.ts';
import type { Syntax } from './code-facts.ts';
import { folderOf, listCode, matchCode } from './list-code.ts';
import type { Memo } from './memo.ts';
import { findOwnImport } from './own-import.ts';
import { INSTALLED, createPackages, hashPackages, packageName } from './packages.ts';
import type { PackageFacts } from './packages.ts';
import { specifierPath } from './specifier-path.ts';
import type { CodeFacts, ImportFact } from './syntax.ts';

/** The static import closure of a stage module. Paths are relative to the root; our own package's begin with its name. */
export interface Closure {
  /** Path → hash: `ast1:…` for code, the value's hash for JSON that is only imported, the bytes' hash otherwise. */
  readonly files: Readonly<Record<string, string>>;
  /** Path → the file that first led to it; the entry has none. */
  readonly importers: Readonly<Record<string, string>>;
  /** Hash over the imported packages' closure; absent when no package is imported. */
  readonly packages?: string;
  /** Absolute paths of the files. */
  readonly paths: readonly string[];
  /** Absolute path → text without types, of the files that were read in this process. */
  readonly scripts: ReadonlyMap<string, string>;
  /** Absolute paths of the imported packages' closure, and of links to them. */
  readonly packageFolders: readonly string[];
}

export interface CodeReader {
  /** Loads what is needed to read these modules and all they import; to be awaited before their closures are asked for. */
  prepare(entries: Iterable<readonly [entry: string, at: Location]>): Promise<void>;
  /**
   * Throws `code.missing` when the entry or an imported file is not there, `code.syntax` for code that does not parse,
   * `code.outside` for an import that leaves the project, `code.package-missing` for a package that is not installed.
   */
  closureOf(entry: string, at: Location): Closure;
  /**
   * A file of the closure whose bytes are not what was read, as it is called in the lock. Those of `scripts` do not
   * count: their text is known.
   */
  changedIn(entry: string, at: Location): string | undefined;
  /**
   * Where all stands that was asked for so far, relative to the root: files, those included that were not there, and folders for
   * what is in them. For installed packages the files that their managers write.
   */
  asked(): readonly string[];
  save(): void;
}

export interface CodeReaderOptions {
  readonly root: string;
  readonly memo: Memo;
  readonly clock: Clock;
  /** Where facts are kept between runs. */
  readonly path: string;
  /** The parser, when it is loaded already. */
  readonly syntax?: Syntax;
  /** Name of the package that gives stages their API; it enters the fingerprint as `api`, not as a package. */
  readonly apiPackage: string;
  /** That package's folder, and the file a specifier of it leads to (`lockstep-data/market/x`), if it is code that counts. */
  readonly apiFolder: string;
  readonly resolveOwn: (specifier: string) => string | undefined;
}

interface Noting {
  readonly place: Location;
  readonly imported: Map<string, PackageFacts>;
}

/** A file that another leads to. */
interface Target {
  readonly full: string;
  /** A file of a linked package that nobody is known to import: what is wrong with it is not told. */
  readonly loose: boolean;
  /** JSON that may be read as text. */
  readonly verbatim: boolean;
}

interface Open extends Omit<Target, 'verbatim'> {
  readonly from: Location;
}

interface Read {
  readonly content: ContentHash;
  readonly hash: string;
  readonly script: string | undefined;
  readonly imports: readonly ImportFact[];
}

const CHUNK = 1024 * 1024;

export function createCodeReader(options: CodeReaderOptions): CodeReader {
  const { root, memo, clock, apiPackage, apiFolder } = options;
  const code = createCodeStore(options.path, options.syntax);
  const packages = createPackages(code.packages);
  const files = new Map<string, Read>();
  const closures = new Map<string, Closure>();
  const asked = new Set<string>();
  let installed: readonly string[] = [];
  /** Folder → name of packages that are linked to their source, not installed. */
  const linked = new Map<string, string>();
  let buffer: Buffer | undefined;

  /** How a file is called in the lock: the same on every machine, wherever packages are installed. */
  function labelOf(full: string): string {
    const homes: readonly (readonly [string, string])[] = [
      ...(apiFolder === root ? [] : [[apiFolder, `${apiPackage}/`] as const]),
      [root, ''],
      ...[...linked].map(([folder, name]) => [folder, `${name}/`] as const),
    ];
    const [folder, prefix] = homes.find(([home]) => full.startsWith(home + sep)) ?? [root, ''];
    return prefix + relative(folder, full).split(sep).join('/');
  }

  /** What a file holds now; `undefined` when it is not there. */
  function contentOf(full: string): ContentHash | undefined {
    const stat = statIfExists(full);
    if (!stat?.isFile()) return undefined;
    const known = memo.lookup(stat, 'sha256');
    if (known) return known;
    const seenAt = clock.now();
    const content = hashFile(full, 'sha256', (buffer ??= Buffer.allocUnsafe(CHUNK)));
    if (content instanceof Error) {
      if (isSystemError(content, 'ENOENT', 'ENOTDIR')) return undefined;
      throw content;
    }
    memo.remember(stat, content, { seenAt, object: false });
    return content;
  }

  function readFile({ full, from, loose }: Open): Read {
    const known = files.get(full);
    if (known) return known;
    asked.add(full);
    let content = contentOf(full);
    let facts = content && (code.get(full, content) ?? factsOfHuge(full, content));
    if (!content || !facts) {
      const bytes = content && readIfExists(full);
      if (bytes === undefined) throw missing(labelOf(full), from);
      content = hashBytes('sha256', bytes);
      facts = code.get(full, content) ?? readFacts({ full, content, bytes, loose });
    }
    const file = { content, hash: facts.ast, imports: facts.imports, script: code.scriptOf(full, content) };
    files.set(full, file);
    return file;
  }

  function readFacts(file: { full: string; content: ContentHash; bytes: Buffer; loose: boolean }): CodeFacts {
    try {
      return code.read(labelOf(file.full), file.content, file.bytes);
    } catch (error) {
      if (file.loose && error instanceof PipelineError) return asBytes(file.content);
      throw error;
    }
  }

  function walk(entry: string, at: Location): Closure {
    const reads = new Map<string, Read>();
    const importers = new Map<string, string>();
    const scripts = new Map<string, string>();
    const imported = new Map<string, PackageFacts>();
    const verbatim = new Set<string>();
    // Nearest first, so that the chain that is told to a file is the shortest one.
    const open: Open[] = [{ full: join(root, entry), from: at, loose: false }];
    for (const next of open) {
      const { full, loose } = next;
      if (reads.has(full)) continue;
      const read = readFile(next);
      const { imports, script } = read;
      reads.set(full, read);
      if (script !== undefined) scripts.set(full, script);
      const label = labelOf(full);
      for (const fact of imports) {
        const place = { file: label, line: fact.line, column: fact.column, length: 1 };
        for (const target of resolveFrom(full, fact, { place, imported, loose })) {
          if (target.verbatim) verbatim.add(target.full);
          if (reads.has(target.full)) continue;
          const name = labelOf(target.full);
          if (!importers.has(name)) importers.set(name, label);
          open.push({ ...target, from: place });
        }
      }
    }
    const all = packages.closureOf(imported.values());
    return {
      files: sortKeys(
        [...reads].map(([full, { content, hash }]) => [labelOf(full), verbatim.has(full) ? content : hash]),
      ),
      importers: Object.fromEntries(importers),
      ...(all.length > 0 && { packages: hashPackages(all) }),
      paths: [...reads.keys()],
      scripts,
      packageFolders: [...all.flatMap((one) => packages.placesOf(one)), ...linkPlaces()],
    };
  }

  /** Links by which linked packages are found: their files are named by their real paths. */
  function linkPlaces(): readonly string[] {
    return [...linked.keys()].flatMap((folder) => packages.linksTo(folder));
  }

  function resolveFrom(
    full: string,
    fact: ImportFact,
    noting: Noting & { readonly loose: boolean },
  ): readonly Target[] {
    try {
      return resolve(full, fact, noting);
    } catch (error) {
      if (noting.loose && error instanceof PipelineError) return [];
      throw error;
    }
  }

  /** The files an import leads to; packages are noted in `imported`. */
  function resolve(
    full: string,
    fact: ImportFact,
    noting: Noting & { readonly loose: boolean },
  ): readonly Target[] {
    const { kind, specifier } = fact;
    const { loose, place } = noting;
    const byUrl = kind === 'url' || kind === 'url-glob';
    const toOpen = (targets: readonly string[]): readonly Target[] =>
      targets.map((target) => ({
        full: target,
        loose,
        verbatim: byUrl && isJson(target),
      }));
    if (isPath(fact)) return toOpen(filesAt(full, fact, noting));
    if (kind !== 'import' || isBuiltin(specifier) || /^(data|node|file|https?):/.test(specifier)) return [];
    if (packageName(specifier) === apiPackage) {
      const own = options.resolveOwn(specifier);
      return own === undefined ? [] : toOpen([own]);
    }
    if (!specifier.startsWith('#')) return resolvePackage(full, specifier, noting);
    const target = ownImport(full, specifier, place);
    return isAbsolute(target)
      ? toOpen([inside(target, specifier, place)])
      : resolvePackage(full, target, noting);
  }

  /** The files a path stands for. */
  function filesAt(
    full: string,
    { kind, specifier }: ImportFact,
    { place, loose }: { readonly place: Location; readonly loose: boolean },
  ): readonly string[] {
    const path = resolvePath(dirname(full), specifierPath(specifier));
    // A folder around the file is where paths begin, as `import.meta.dirname` is: not all below it is read.
    if (kind === 'url' && full.startsWith(path + sep)) return [];
    const target = inside(path, specifier, place);
    if (kind === 'glob' || kind === 'url-glob') {
      asked.add(folderOf(target));
      return matchCode(target);
    }
    // Of any other folder that a URL names, each file counts.
    if (kind === 'url' && statIfExists(target)?.isDirectory() === true) {
      asked.add(target);
      return listCode(target);
    }
    return loose && statIfExists(target)?.isFile() !== true ? [] : [target];
  }

  /** `#name`: the `imports` of the package.json above. */
  function ownImport(full: string, specifier: string, place: Location): string {
    const target = findOwnImport(full, specifier, asked);
    if (target !== undefined) return target;
    throw new PipelineError(
      'code.package-missing',
      `"${labelOf(full)}" imports "${specifier}", which no package.json above it explains`,
      { at: place, hint: `add "${specifier}" to "imports" in package.json` },
    );
  }

  function resolvePackage(full: string, specifier: string, { place, imported }: Noting): readonly Target[] {
    installed = INSTALLED;
    const found = packages.find(specifier, dirname(full));
    if (!found) {
      throw new PipelineError(
        'code.package-missing',
        `"${labelOf(full)}" imports "${specifier}", which is not installed`,
        {
          at: place,
          hint: `run "npm install ${packageName(specifier)}"`,
        },
      );
    }
    if (found.folder.split(sep).includes('node_modules')) {
      imported.set(found.folder, found);
      return [];
    }
    // A package linked to its source changes without its version changing: all its files count.
    linked.set(found.folder, found.name);
    asked.add(found.folder);
    return listCode(found.folder).map((path) => ({ full: path, loose: true, verbatim: isJson(path) }));
  }

  function inside(target: string, specifier: string, place: Location): string {
    const homes = [root, apiFolder, ...linked.keys()];
    if (homes.some((folder) => target.startsWith(folder + sep))) return target;
    throw new PipelineError(
      'code.outside',
      `"${place.file}" imports "${specifier}", which lies outside the project`,
      {
        at: place,
        hint: 'move the file into the project, or install it as a package',
      },
    );
  }

  function closureOf(entry: string, at: Location): Closure {
    let closure = closures.get(entry);
    if (!closure) closures.set(entry, (closure = walk(entry, at)));
    return closure;
  }

  function changedIn(entry: string, at: Location): string | undefined {
    const { paths, scripts } = closureOf(entry, at);
    const changed = paths.find((path) => !scripts.has(path) && contentOf(path) !== files.get(path)?.content);
    return changed === undefined ? undefined : labelOf(changed);
  }

  return {
    closureOf,
    changedIn,
    async prepare(entries) {
      for (const [entry, at] of entries) {
        try {
          closureOf(entry, at);
        } catch (error) {
          if (error instanceof ParserMissing) return code.loadParser();
          // What is wrong with the code is told by whoever asks for the closure.
          if (!(error instanceof PipelineError)) throw error;
        }
      }
    },
    asked: () => [...[...asked].map((full) => relative(root, full).split(sep).join('/')), ...installed],
    save: () => code.save(packages.facts()),
  };
}

/** A path, and not the name of a package; in a URL that is all that names no scheme. */
function isPath({ kind, specifier }: ImportFact): boolean {
  if (kind === 'url') return !/^[a-z]+:/i.test(specifier);
  return kind === 'import' ? /^\.{0,2}(\/|$)/.test(specifier) : /^\.\.?\//.test(specifier);
}

/** What no text can hold is data, whatever it is called: Node could not load it either. */
function factsOfHuge(full: string, content: ContentHash): CodeFacts | undefined {
  const { size } = statIfExists(full) ?? { size: 0 };
  return size > constants.MAX_STRING_LENGTH ? asBytes(content) : undefined;
}

function missing(path: string, from: Location): PipelineError {
  const isStage = from.file.endsWith('.yaml');
  const importer = isStage ? 'the stage' : `"${from.file}"`;
  return new PipelineError('code.missing', `"${path}", which ${importer} needs, does not exist`, {
    at: from,
    hint: isStage
      ? 'create it, or correct the path after "run:"'
      : 'write imports with their file extension, as Node does (./helper.ts)',
  });
}

function sortKeys(entries: readonly (readonly [string, string])[]): Record<string, string> {
  return Object.fromEntries([...entries].sort(([a], [b]) => byCodeUnit(a, b)));
}
