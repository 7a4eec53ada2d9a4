import { globSync, statSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, extname, join, relative, resolve as resolvePath, sep } from 'node:path';
import { PipelineError } from '../base/error.ts';
import { canonicalJson, hashBytes } from '../base/hash.ts';
import { byCodeUnit } from '../base/path.ts';
import type { ContentHash, Json, Location } from '../base/types.ts';
import type { Clock } from '../io/clock.ts';
import { readIfExists, statIfExists } from '../io/files.ts';
import { readSealed, writeSealed } from '../io/sealed.ts';
import type { Memo } from './memo.ts';
import { createPackages, packageName } from './packages.ts';
import type { PackageFacts } from './packages.ts';
import { isFault, readCode } from './syntax.ts';
import type { CodeFacts, ImportFact } from './syntax.ts';

/** The static import closure of a stage module. Paths are relative to the root; our own package's begin with its name. */
export interface Closure {
  /** Path → hash: `ast1:…` for code, the canonical value's hash for JSON, the bytes' hash otherwise. */
  readonly files: Readonly<Record<string, string>>;
  /** Path → the file that first led to it; the entry has none. */
  readonly importers: Readonly<Record<string, string>>;
  /** Hash over the imported packages' closure; absent when no package is imported. */
  readonly packages?: string;
  /** Absolute paths of the files. */
  readonly paths: readonly string[];
  /** Absolute paths of the imported packages' closure, and of links to them. */
  readonly packageFolders: readonly string[];
}

export interface CodeReader {
  /**
   * Throws `code.missing` when the entry or an imported file is not there, `code.syntax` for code that does not parse,
   * `code.outside` for an import that leaves the project, `code.package-missing` for a package that is not installed.
   */
  closureOf(entry: string, at: Location): Closure;
  save(): void;
}

export interface CodeReaderOptions {
  readonly root: string;
  readonly memo: Memo;
  readonly clock: Clock;
  /** Where facts are kept between runs. */
  readonly path: string;
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

interface Kept {
  readonly format: 1;
  readonly code: Readonly<Record<ContentHash, CodeFacts>>;
  readonly packages: Readonly<Record<string, PackageFacts>>;
}

const CODE = new Set(['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs']);

export function createCodeReader(options: CodeReaderOptions): CodeReader {
  const { root, memo, clock } = options;
  const kept = loadKept(options.path);
  const packages = createPackages(kept.packages);
  const facts = new Map<ContentHash, CodeFacts>(Object.entries(kept.code) as [ContentHash, CodeFacts][]);
  const used = new Map<ContentHash, CodeFacts>();
  const files = new Map<string, { hash: string; imports: readonly ImportFact[] }>();
  const closures = new Map<string, Closure>();
  let dirty = false;

  /** How a file is called in the lock: the same on every machine, wherever packages are installed. */
  function labelOf(full: string): string {
    const below = relative(root, full);
    const path = below.startsWith('..')
      ? `${options.apiPackage}/${relative(options.apiFolder, full)}`
      : below;
    return path.split(sep).join('/');
  }

  function readFile(full: string, from: Location): { hash: string; imports: readonly ImportFact[] } {
    const known = files.get(full);
    if (known) return known;
    const stat = statIfExists(full);
    if (!stat?.isFile()) throw missing(labelOf(full), from);
    const extension = extname(full);
    let content = memo.lookup(stat, 'sha256');
    let file: { hash: string; imports: readonly ImportFact[] } | undefined;
    const cached = content && facts.get(content);
    if (content && cached) {
      used.set(content, cached);
      file = { hash: cached.ast, imports: cached.imports };
    } else if (content && !CODE.has(extension) && extension !== '.json')
      file = { hash: content, imports: [] };
    else {
      const seenAt = clock.now();
      const bytes = readIfExists(full);
      if (bytes === undefined) throw missing(labelOf(full), from);
      content = hashBytes('sha256', bytes);
      memo.remember(stat, content, { seenAt, object: false });
      const read = facts.get(content) ?? toFacts(labelOf(full), extension, bytes, content);
      facts.set(content, read);
      used.set(content, read);
      dirty = true;
      file = { hash: read.ast, imports: read.imports };
    }
    files.set(full, file);
    return file;
  }

  function walk(entry: string, at: Location): Closure {
    const hashes = new Map<string, string>();
    const importers: Record<string, string> = {};
    const imported = new Map<string, PackageFacts>();
    const open: { full: string; from: Location }[] = [{ full: join(root, entry), from: at }];
    for (let next = open.pop(); next; next = open.pop()) {
      const { full, from } = next;
      if (hashes.has(full)) continue;
      const { hash, imports } = readFile(full, from);
      hashes.set(full, hash);
      const label = labelOf(full);
      for (const fact of imports) {
        const place = { file: label, line: fact.line, column: fact.column, length: 1 };
        for (const target of resolve(full, fact, { place, imported })) {
          if (hashes.has(target)) continue;
          importers[labelOf(target)] ??= label;
          open.push({ full: target, from: place });
        }
      }
    }
    const roots = [...imported.values()];
    const all = packages.closureOf(roots);
    return {
      files: sortKeys(Object.fromEntries([...hashes].map(([full, hash]) => [labelOf(full), hash]))),
      importers,
      ...(roots.length > 0 && { packages: packages.hashOf(roots) }),
      paths: [...hashes.keys()],
      packageFolders: all.flatMap((one) => packages.placesOf(one)),
    };
  }

  /** The files an import leads to; packages are noted in `imported`. */
  function resolve(full: string, fact: ImportFact, noting: Noting): readonly string[] {
    const { specifier } = fact;
    const relativePath = specifier.startsWith('./') || specifier.startsWith('../');
    if (fact.kind === 'url' && !relativePath)
      return /^[a-z]+:/i.test(specifier) ? [] : [inside(full, specifier, noting.place)];
    if (relativePath && fact.kind === 'glob') return glob(inside(full, specifier, noting.place));
    if (relativePath) {
      const target = inside(full, specifier, noting.place);
      // `new URL('./data/', import.meta.url)` names a folder: each file below it counts.
      return fact.kind === 'url' && statIfExists(target)?.isDirectory() ? glob(`${target}/**`) : [target];
    }
    if (isBuiltin(specifier) || fact.kind === 'glob' || specifier.startsWith('data:')) return [];
    if (packageName(specifier) === options.apiPackage) {
      const own = options.resolveOwn(specifier);
      return own === undefined ? [] : [own];
    }
    return resolvePackage(full, specifier, noting);
  }

  function resolvePackage(full: string, specifier: string, { place, imported }: Noting): readonly string[] {
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
    const below = relative(root, found.folder);
    const linked = !below.startsWith('..') && !below.split(sep).includes('node_modules');
    // A package linked from the project itself changes without its version changing: all its files count.
    if (linked) return glob(`${found.folder}/**`);
    imported.set(found.folder, found);
    return [];
  }

  function inside(full: string, specifier: string, place: Location): string {
    const target = resolvePath(dirname(full), specifier.replace(/[?#].*$/, ''));
    const home = [root, options.apiFolder].find((folder) => target.startsWith(folder + sep));
    if (home !== undefined) return target;
    throw new PipelineError(
      'code.outside',
      `"${labelOf(full)}" imports "${specifier}", which lies outside the project`,
      {
        at: place,
        hint: 'move the file into the project, or install it as a package',
      },
    );
  }

  return {
    closureOf(entry, at) {
      let closure = closures.get(entry);
      if (!closure) closures.set(entry, (closure = walk(entry, at)));
      return closure;
    },
    save() {
      if (!dirty) return;
      const data: Kept = { format: 1, code: Object.fromEntries(used), packages: packages.facts() };
      writeSealed(options.path, Buffer.from(JSON.stringify(data)));
      dirty = false;
    },
  };
}

function toFacts(path: string, extension: string, bytes: Buffer, content: ContentHash): CodeFacts {
  if (extension === '.json') return { ast: jsonHash(bytes) ?? content, imports: [] };
  if (!CODE.has(extension)) return { ast: content, imports: [] };
  const facts = readCode(bytes.toString('utf8').replace(/^\uFEFF/, ''), extension.includes('ts'));
  if (!isFault(facts)) return facts;
  throw new PipelineError('code.syntax', `"${path}" does not parse: ${facts.message}`, {
    at: { file: path, line: facts.line, column: facts.column, length: 1 },
    hint: 'stage modules are plain JavaScript or TypeScript with erasable types only (no enum, namespace, decorators)',
  });
}

/** The value counts, not its layout; text that is no JSON counts as bytes. */
function jsonHash(bytes: Buffer): ContentHash | undefined {
  try {
    return hashBytes('sha256', canonicalJson(JSON.parse(bytes.toString('utf8')) as Json));
  } catch {
    return undefined;
  }
}

function glob(pattern: string): readonly string[] {
  return globSync(pattern, { exclude: (name) => /(^|\/)(node_modules|\.[^/]*)$/.test(name) })
    .filter((name) => statSync(name).isFile())
    .sort(byCodeUnit);
}

function missing(path: string, from: Location): PipelineError {
  const importer = from.file.endsWith('.yaml') ? 'the stage' : `"${from.file}"`;
  return new PipelineError('code.missing', `"${path}", which ${importer} needs, does not exist`, {
    at: from,
    hint: 'write imports with their file extension, as Node does (./helper.ts)',
  });
}

function sortKeys(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => byCodeUnit(a, b)));
}

function loadKept(path: string): Kept {
  const data = readSealed(path);
  const kept = data && (JSON.parse(data.toString('utf8')) as Kept);
  return kept?.format === 1 ? kept : { format: 1, code: {}, packages: {} };
}
