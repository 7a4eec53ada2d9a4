import { constants } from 'node:buffer';
import { join, relative, sep } from 'node:path';
import { PipelineError, isSystemError } from '../base/error.ts';
import { hashBytes } from '../base/hash.ts';
import { byCodeUnit } from '../base/path.ts';
import type { ContentHash, Location } from '../base/types.ts';
import type { Clock } from '../io/clock.ts';
import { readIfExists, statIfExists } from '../io/files.ts';
import { hashFile } from '../io/hash-file.ts';
import { ParserMissing, asBytes, createCodeStore, loadParser } from './code-facts.ts';
import type { CodeStoreOptions } from './code-facts.ts';
import type { Memo } from './memo.ts';
import { createPackages, hashPackages } from './packages.ts';
import type { PackageFacts } from './packages.ts';
import { createResolver } from './resolve-import.ts';
import type { ResolverOptions, Target } from './resolve-import.ts';
import type { CodeFacts } from './syntax.ts';

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
   * count where nothing but these runs: their text is known.
   */
  changedIn(entry: string, at: Location, runsScripts: boolean): string | undefined;
  /**
   * Where all stands that was asked for so far, relative to the root: files, those included that were not there, and folders for
   * what is in them. For installed packages the files that their managers write.
   */
  asked(): readonly string[];
  save(): void;
}

export interface CodeReaderOptions extends Omit<ResolverOptions, 'packages' | 'asked'>, CodeStoreOptions {
  readonly memo: Memo;
  readonly clock: Clock;
}

interface Open extends Omit<Target, 'verbatim'> {
  readonly from: Location;
}

interface Read {
  readonly content: ContentHash;
  readonly facts: CodeFacts;
  readonly script: string | undefined;
}

const CHUNK = 1024 * 1024;

export function createCodeReader(options: CodeReaderOptions): CodeReader {
  const { root, memo, clock } = options;
  const code = createCodeStore(options);
  const packages = createPackages(code.packages);
  const files = new Map<string, Read>();
  /** Those that do not parse, which was no matter as long as nobody was known to import them. */
  const forgiven = new Set<string>();
  const closures = new Map<string, Closure>();
  const asked = new Set<string>();
  const { labelOf, resolve, linkPlaces } = createResolver({ ...options, packages, asked });
  let buffer: Buffer | undefined;

  /** What a file holds now; `undefined` when it is not there. */
  function contentOf(full: string): ContentHash | undefined {
    const stat = statIfExists(full);
    if (!stat?.isFile()) return undefined;
    const known = memo.lookup(() => full, stat, 'sha256');
    if (known) return known;
    const seenAt = clock.now();
    const content = hashFile(full, 'sha256', (buffer ??= Buffer.allocUnsafe(CHUNK)));
    if (content instanceof Error) {
      if (isSystemError(content, 'ENOENT', 'ENOTDIR')) return undefined;
      throw content;
    }
    memo.remember(() => full, stat, content, { seenAt, object: false });
    return content;
  }

  const isDone = (
    reads: ReadonlyMap<string, Read>,
    { full, loose }: Pick<Target, 'full' | 'loose'>,
  ): boolean => reads.has(full) && (loose || !forgiven.has(full));

  function readFile(next: Open): Read {
    const { full, from, loose } = next;
    const known = files.get(full);
    if (known && isDone(files, next)) return known;
    asked.add(full);
    let content = contentOf(full);
    let facts = content && (code.get(full, content) ?? factsOfHuge(full, content));
    if (!content || !facts) {
      const bytes = content && readIfExists(full);
      if (bytes === undefined) {
        const near = nearTo(full);
        throw missing(labelOf(full), from, near && labelOf(near));
      }
      content = hashBytes('sha256', bytes);
      facts = code.get(full, content) ?? readFacts({ full, content, bytes, loose });
    }
    const file = { content, facts, script: code.scriptOf(full, content) };
    files.set(full, file);
    return file;
  }

  function readFacts(file: { full: string; content: ContentHash; bytes: Buffer; loose: boolean }): CodeFacts {
    try {
      return code.read(labelOf(file.full), file.content, file.bytes);
    } catch (error) {
      if (!file.loose || !(error instanceof PipelineError)) throw error;
      forgiven.add(file.full);
      return asBytes(file.content);
    }
  }

  function walk(entry: string, at: Location): Closure {
    const reads = new Map<string, Read>();
    const importers = new Map<string, string>();
    const scripts = new Map<string, string>();
    const imported = new Map<string, PackageFacts>();
    const explained = new Map<string, Map<string, readonly string[]>>();
    const verbatim = new Set<string>();
    // Nearest first, so that the chain that is told to a file is the shortest one.
    const open: Open[] = [{ full: join(root, entry), from: at, loose: false }];
    for (const next of open) {
      const { full, loose } = next;
      if (isDone(reads, next)) continue;
      const read = readFile(next);
      reads.set(full, read);
      if (read.script !== undefined) scripts.set(full, read.script);
      const label = labelOf(full);
      for (const fact of read.facts.imports) {
        const place = { file: label, line: fact.line, column: fact.column, length: 1 };
        for (const target of resolve(full, fact, { place, imported, explained, loose })) {
          if (target.verbatim) verbatim.add(target.full);
          if (isDone(reads, target)) continue;
          if (!importers.has(target.full)) importers.set(target.full, full);
          open.push({ ...target, from: place });
        }
      }
    }
    const { all, everywhere } = packages.closureOf(imported.values());
    // A package.json above the project is called as the one that the project has not.
    const names = nameEach([...reads.keys(), ...explained.keys()], (full) =>
      labelOf(full).replace(/^(\.\.\/)+/, ''),
    );
    const nameOf = (full: string): string => names.get(full) ?? '';
    return {
      files: sortKeys([
        ...Array.from(explained, ([full, named]) => [nameOf(full), hashNames(named)] as const),
        ...Array.from(
          reads,
          ([full, { content, facts }]) => [nameOf(full), verbatim.has(full) ? content : facts.ast] as const,
        ),
      ]),
      importers: Object.fromEntries(Array.from(importers, ([full, by]) => [nameOf(full), nameOf(by)])),
      ...(all.length > 0 && { packages: hashPackages(everywhere) }),
      paths: [...reads.keys()],
      scripts,
      packageFolders: [...all.flatMap((one) => packages.placesOf(one)), ...linkPlaces()],
    };
  }

  function closureOf(entry: string, at: Location): Closure {
    let closure = closures.get(entry);
    if (!closure) closures.set(entry, (closure = walk(entry, at)));
    return closure;
  }

  function changedIn(entry: string, at: Location, runsScripts: boolean): string | undefined {
    const { paths, scripts } = closureOf(entry, at);
    const isKnown = (path: string): boolean => runsScripts && scripts.has(path);
    const changed = paths.find((path) => !isKnown(path) && contentOf(path) !== files.get(path)?.content);
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
          if (error instanceof ParserMissing) return loadParser();
          // What is wrong with the code is told by whoever asks for the closure.
          if (!(error instanceof PipelineError)) throw error;
        }
      }
    },
    asked: () => Array.from(asked, (full) => relative(root, full).split(sep).join('/')),
    save: () => code.save(packages.facts()),
  };
}

/** Each file by a name of its own: a package that is linked from elsewhere may be called as a folder here, or as another one. */
function nameEach(files: Iterable<string>, labelOf: (full: string) => string): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const taken = new Map<string, number>();
  for (const full of new Set(files)) {
    const label = labelOf(full);
    const count = (taken.get(label) ?? 0) + 1;
    taken.set(label, count);
    names.set(full, count === 1 ? label : `${label} (${count})`);
  }
  return names;
}

/** What a package.json says of the names that are asked for: which file is whose changes a result, though each is as it was. */
function hashNames(named: ReadonlyMap<string, readonly string[]>): ContentHash {
  const sorted = [...named].sort(([a], [b]) => byCodeUnit(a, b));
  return hashBytes('sha256', JSON.stringify(sorted));
}

/** What no text can hold is data, whatever it is called: Node could not load it either. */
function factsOfHuge(full: string, content: ContentHash): CodeFacts | undefined {
  const { size } = statIfExists(full) ?? { size: 0 };
  return size > constants.MAX_STRING_LENGTH ? asBytes(content) : undefined;
}

function missing(path: string, from: Location, near: string | undefined): PipelineError {
  const isStage = from.file.endsWith('.yaml');
  const importer = isStage ? 'the stage' : `"${from.file}"`;
  const spelling = near === undefined ? '(./helper.ts)' : `("${near}" is there)`;
  return new PipelineError('code.missing', `"${path}", which ${importer} needs, does not exist`, {
    at: from,
    hint: isStage
      ? 'create it, or correct the path after "run:"'
      : `write imports with their file extension, as Node does ${spelling}`,
  });
}

/** What compilers and bundlers take for a file that is not there: `x.ts` for `x.js`, `x.ts` or `x/index.ts` for `x`. */
function nearTo(full: string): string | undefined {
  const bare = full.replace(/\.[mc]?js$/, '');
  const ends =
    bare === full ? ['.ts', '.mts', '.js', '.mjs', '/index.ts', '/index.js'] : ['.ts', '.mts', '.cts'];
  return ends.map((end) => bare + end).find((path) => statIfExists(path)?.isFile() === true);
}

function sortKeys(entries: readonly (readonly [string, string])[]): Record<string, string> {
  return Object.fromEntries([...entries].sort(([a], [b]) => byCodeUnit(a, b)));
}
