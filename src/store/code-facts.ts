import { extname } from 'node:path';
import { PipelineError } from '../base/error.ts';
import { hashBytes, orderedJson, parseJson } from '../base/hash.ts';
import type { ContentHash } from '../base/types.ts';
import { readSealedJson, writeSealedJson } from '../io/sealed.ts';
import type { PackageFacts } from './packages.ts';
import type * as Syntax from './syntax.ts';
import type { CodeFacts } from './syntax.ts';

let syntax: typeof Syntax | undefined;

/** Loads what parses code, when a file must be parsed: most commands parse none. */
export async function loadParser(): Promise<void> {
  syntax = await import('./syntax.ts');
}

/** Thrown by `read` while the parser is not loaded. */
export class ParserMissing extends Error {}

/** What code files hold, by the hash of their bytes, so that a file is parsed once in its life. */
export interface CodeStore {
  /** `undefined` when these bytes were never read as a file of that extension, and have to be. */
  get(path: string, content: ContentHash): CodeFacts | undefined;
  /** What runs of a TypeScript file that was read in this process. */
  scriptOf(path: string, content: ContentHash): string | undefined;
  /** Reads a file's bytes; `path` names it in errors. Throws `code.syntax`, and `ParserMissing` before `loadParser`. */
  read(path: string, content: ContentHash, bytes: Buffer): CodeFacts;
  readonly packages: Readonly<Record<string, PackageFacts>>;
  /** Writes what was used since the store was opened, when anything is new. */
  save(packages: Readonly<Record<string, PackageFacts>>): void;
}

interface Kept {
  readonly engine: string;
  readonly code: Readonly<Record<string, CodeFacts>>;
  readonly packages: Readonly<Record<string, PackageFacts>>;
}

export interface CodeStoreOptions {
  /** Where they are kept between runs. */
  readonly path: string;
  /** What one engine finds in a file, another may not. */
  readonly engine: string;
}

export function createCodeStore({ path, engine }: CodeStoreOptions): CodeStore {
  const kept = load(path, engine);
  const facts = new Map<string, CodeFacts>(Object.entries(kept.code));
  const used = new Map<string, CodeFacts>();
  const scripts = new Map<string, string>();
  let dirty = false;
  return {
    packages: kept.packages,
    get(file, content) {
      if (!isParsed(file)) return asBytes(content);
      const key = keyOf(file, content);
      const found = facts.get(key);
      if (found) used.set(key, found);
      return found;
    },
    read(file, content, bytes) {
      const key = keyOf(file, content);
      let read: CodeFacts;
      if (isJson(file)) read = asBytes(jsonHash(bytes) ?? content);
      else {
        const parsed = parse(file, bytes);
        read = parsed.facts;
        if (file.endsWith('ts')) scripts.set(key, parsed.script);
      }
      facts.set(key, read);
      used.set(key, read);
      dirty = true;
      return read;
    },
    scriptOf: (file, content) => scripts.get(keyOf(file, content)),
    save(packages) {
      if (!dirty) return;
      const data: Kept = { engine, code: Object.fromEntries(used), packages };
      writeSealedJson(path, data);
      dirty = false;
    },
  };
}

const CODE = /\.([mc]?)(ts|js)$/;

function isParsed(path: string): boolean {
  return CODE.test(path) || isJson(path);
}

export function isJson(path: string): boolean {
  return path.endsWith('.json');
}

/** Of a file in which nothing but its bytes counts. */
export function asBytes(content: ContentHash): CodeFacts {
  return { ast: content, imports: [] };
}

/** The same bytes mean one thing as TypeScript, another as JSON. */
function keyOf(path: string, content: ContentHash): string {
  return `${extname(path)} ${content}`;
}

function parse(path: string, bytes: Buffer): Syntax.ReadCode {
  if (!syntax) throw new ParserMissing();
  const { readCode, isFault } = syntax;
  const [, kind, language] = CODE.exec(path) ?? [];
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  const typescript = language === 'ts';
  const first = readCode(text, { typescript, commonjs: kind === 'c' });
  // Of a plain name only the text tells what it is, and CommonJS may say what no module may.
  const isOpen = kind === '' && isFault(first);
  const second = isOpen ? readCode(text, { typescript, commonjs: true }) : first;
  const read = isFault(second) ? first : second;
  if (!isFault(read)) return read;
  throw new PipelineError('code.syntax', `"${path}" does not parse: ${read.message}`, {
    at: { file: path, line: read.line, column: read.column, length: 1 },
    hint: 'stage modules are plain JavaScript or TypeScript with erasable types only (no enum, namespace, decorators)',
  });
}

/** The value counts, and the order of keys, which a program sees; the layout does not. Text that is no JSON counts as bytes. */
function jsonHash(bytes: Buffer): ContentHash | undefined {
  try {
    return hashBytes('sha256', orderedJson(parseJson(bytes.toString('utf8'))));
  } catch {
    return undefined;
  }
}

function load(path: string, engine: string): Kept {
  const kept = readSealedJson(path) as Kept | null | undefined;
  return kept?.engine === engine ? kept : { engine, code: {}, packages: {} };
}
