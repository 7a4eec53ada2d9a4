import { globSync, statSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, extname, join, relative, sep } from 'node:path';
import { PipelineError } from '../base/error.ts';
import { canonicalJson, hashBytes } from '../base/hash.ts';
import { byCodeUnit, joinRelative } from '../base/path.ts';
import type { ContentHash, Json, Location } from '../base/types.ts';
import type { Clock } from '../io/clock.ts';
import { readIfExists, statIfExists } from '../io/files.ts';
import { readSealed, writeSealed } from '../io/sealed.ts';
import type { Memo } from './memo.ts';
import { createPackages, packageName } from './packages.ts';
import type { PackageFacts } from './packages.ts';
import { isFault, readCode } from './syntax.ts';
import type { CodeFacts, ImportFact } from './syntax.ts';

/** The static import closure of a stage module. */
export interface Closure {
  /** Path → hash: `ast1:…` for code, the canonical value's hash for JSON, the bytes' hash otherwise. */
  readonly files: Readonly<Record<string, string>>;
  /** Path → the file that first led to it; the entry has none. */
  readonly importers: Readonly<Record<string, string>>;
  /** Hash over the imported packages' closure; absent when no package is imported. */
  readonly packages?: string;
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
  /** Where a specifier of that package leads (`lockstep-data/market/x` → a file of the project), if it does. */
  readonly resolveOwn: (specifier: string) => string | undefined;
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

  function readFile(path: string, from: Location): { hash: string; imports: readonly ImportFact[] } {
    const known = files.get(path);
    if (known) return known;
    const stat = statIfExists(join(root, path));
    if (!stat?.isFile()) throw missing(path, from);
    const extension = extname(path);
    let content = memo.lookup(stat, 'sha256');
    let file: { hash: string; imports: readonly ImportFact[] } | undefined;
    const cached = content && facts.get(content);
    if (content && cached) {
      used.set(content, cached);
      file = { hash: cached.ast, imports: cached.imports };
    } else if (content && !CODE.has(extension) && extension !== '.json') file = { hash: content, imports: [] };
    else {
      const seenAt = clock.now();
      const bytes = readIfExists(join(root, path));
      if (bytes === undefined) throw missing(path, from);
      content = hashBytes('sha256', bytes);
      memo.remember(stat, content, { seenAt, object: false });
      const read = facts.get(content) ?? toFacts(path, extension, bytes, content);
      facts.set(content, read);
      used.set(content, read);
      dirty = true;
      file = { hash: read.ast, imports: read.imports };
    }
    files.set(path, file);
    return file;
  }

  function walk(entry: string, at: Location): Closure {
    const hashes: Record<string, string> = {};
    const importers: Record<string, string> = {};
    const imported = new Map<string, PackageFacts>();
    const open: { path: string; from: Location }[] = [{ path: entry, from: at }];
    for (let next = open.pop(); next; next = open.pop()) {
      const { path, from } = next;
      if (path in hashes) continue;
      const { hash, imports } = readFile(path, from);
      hashes[path] = hash;
      for (const fact of imports) {
        const place = { file: path, line: fact.line, column: fact.column, length: 1 };
        for (const target of resolve(path, fact, { place, imported })) {
          if (target in hashes) continue;
          importers[target] ??= path;
          open.push({ path: target, from: place });
        }
      }
    }
    const roots = [...imported.values()];
    return {
      files: sortKeys(hashes),
      importers,
      ...(roots.length > 0 && { packages: packages.hashOf(roots) }),
      packageFolders: packages.closureOf(roots).map((one) => one.folder),
    };
  }

  /** The project's files an import leads to; packages are noted in `imported`. */
  function resolve(
    path: string,
    fact: ImportFact,
    { place, imported }: { place: Location; imported: Map<string, PackageFacts> },
  ): readonly string[] {
    const { specifier } = fact;
    const relativePath = specifier.startsWith('./') || specifier.startsWith('../');
    if (fact.kind === 'url' && !relativePath) return /^[a-z]+:/i.test(specifier) ? [] : [inside(path, `./${specifier}`, place)];
    if (relativePath && fact.kind === 'glob') return glob(inside(path, specifier, place));
    if (relativePath) {
      const target = inside(path, specifier, place);
      // `new URL('./data/', import.meta.url)` names a folder: each file below it counts.
      return fact.kind === 'url' && statIfExists(join(root, target))?.isDirectory() ? glob(`${target}/**`) : [target];
    }
    if (isBuiltin(specifier) || fact.kind === 'glob' || specifier.startsWith('data:')) return [];
    if (packageName(specifier) === options.apiPackage) {
      const own = options.resolveOwn(specifier);
      return own === undefined ? [] : [own];
    }
    return resolvePackage(path, specifier, { place, imported });
  }

  function resolvePackage(
    path: string,
    specifier: string,
    { place, imported }: { place: Location; imported: Map<string, PackageFacts> },
  ): readonly string[] {
    const found = packages.find(specifier, join(root, dirname(path)));
    if (!found) {
      throw new PipelineError('code.package-missing', `"${path}" imports "${specifier}", which is not installed`, {
        at: place,
        hint: `run "npm install ${packageName(specifier)}"`,
      });
    }
    const below = relative(root, found.folder);
    const linked = !below.startsWith('..') && !below.split(sep).includes('node_modules');
    // A package linked from the project itself changes without its version changing: all its files count.
    if (linked) return glob(`${below.split(sep).join('/')}/**`);
    imported.set(found.folder, found);
    return [];
  }

  function glob(pattern: string): readonly string[] {
    const found = globSync(pattern, { cwd: root, exclude: (name) => /(^|\/)(node_modules|\.[^/]*)$/.test(String(name)) });
    return found
      .map((name) => name.split(sep).join('/'))
      .filter((name) => statSync(join(root, name)).isFile())
      .sort(byCodeUnit);
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

function inside(path: string, specifier: string, place: Location): string {
  const target = joinRelative(dirname(path) === '.' ? '' : dirname(path), specifier.replace(/[?#].*$/, ''));
  if (target.startsWith('..')) {
    throw new PipelineError('code.outside', `"${path}" imports "${specifier}", which lies outside the project`, {
      at: place,
      hint: 'move the file into the project, or install it as a package',
    });
  }
  return target;
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
