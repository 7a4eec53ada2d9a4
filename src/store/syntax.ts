import { createHash } from 'node:crypto';
import { stripTypeScriptTypes } from 'node:module';
import { parse } from 'acorn';
import type { Node } from 'acorn';
import { byCodeUnit } from '../base/path.ts';

/** How one file refers to another. */
export interface ImportFact {
  /** A template's holes as `*`. */
  readonly specifier: string;
  readonly glob?: true;
  /** `new URL(…, import.meta.url)`. */
  readonly url?: true;
  /** Asked for by `require`, for which a package.json may name another file than for `import`. */
  readonly required?: true;
  readonly line: number;
  readonly column: number;
}

/** What the fingerprint needs to know of a code file. */
export interface CodeFacts {
  /** `ast1:<sha256>` of the syntax tree without positions, comments and types. */
  readonly ast: string;
  readonly imports: readonly ImportFact[];
}

/** A file as it was read. */
export interface ReadCode {
  readonly facts: CodeFacts;
  /** The text that runs: blanks stand where types were. */
  readonly script: string;
}

/** A syntax error in a stage's code, in the coordinates of the file. */
export interface SyntaxFault {
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

/** What a file's extension says of its text. */
export interface Dialect {
  readonly typescript: boolean;
  /** `.cjs`, `.cts`: `return` may stand at the top, `await` is a name. */
  readonly commonjs: boolean;
}

/** Reads a module: strips types as Node does, parses, and hashes the tree; formatting and comments do not count. */
export function readCode(text: string, { typescript, commonjs }: Dialect): ReadCode | SyntaxFault {
  let tree: Node;
  let script: string;
  try {
    script = typescript ? stripTypes(text) : text;
    tree = parse(script, {
      ecmaVersion: 'latest',
      sourceType: commonjs ? 'commonjs' : 'module',
      allowHashBang: true,
      locations: true,
    });
  } catch (error) {
    return toFault(error);
  }
  const hash = createHash('sha256');
  const imports: ImportFact[] = [];
  feedTree(tree, (text) => hash.update(text), imports);
  return { facts: { ast: `ast1:${hash.digest('hex')}`, imports }, script };
}

export function isFault(read: ReadCode | SyntaxFault): read is SyntaxFault {
  return 'message' in read;
}

/** Node's own type stripping keeps every position; its warning of being experimental is not the user's concern. */
function stripTypes(text: string): string {
  const emit = process.emitWarning.bind(process);
  process.emitWarning = () => undefined;
  try {
    return stripTypeScriptTypes(text);
  } finally {
    process.emitWarning = emit;
  }
}

function toFault(error: unknown): SyntaxFault {
  const { message, loc, stack = '' } = error as SyntaxError & { loc?: { line: number; column: number } };
  const told = message.replace(/ \(\d+:\d+\)$/, '').split('\n')[0] ?? 'syntax error';
  if (loc) return { message: told, line: loc.line, column: loc.column + 1 };
  // Node tells the place of what it cannot strip only ahead of the stack: `:2`, lines, and carets below one of them.
  const line = /^[^\n]*:(\d+)\n/.exec(stack)?.[1];
  const carets = /^ *\^+$/m.exec(stack)?.[0];
  return {
    message: told,
    line: line === undefined ? 1 : Number(line),
    column: carets === undefined ? 1 : carets.indexOf('^') + 1,
  };
}

type Loose = { readonly [key: string]: unknown };

/** `bigint` repeats the value as it is written. */
const SKIPPED = new Set(['type', 'start', 'end', 'loc', 'range', 'raw', 'sourceType', 'bigint']);

/** Text that is already made, or a value still to be fed. */
type Pending = { readonly text: string } | { readonly value: unknown };

/**
 * Feeds a tree to the hash: each node's type, then its fields by name; lists and missing nodes are told apart. Without
 * recursion, because a sum of some thousand terms is as deep as it is long.
 */
function feedTree(tree: Node, feed: (text: string) => void, imports: ImportFact[]): void {
  const open: Pending[] = [{ value: tree }];
  for (let next = open.pop(); next; next = open.pop()) {
    if ('text' in next) feed(next.text);
    else if (Array.isArray(next.value)) pushAll(open, partsOfList(next.value as readonly unknown[]));
    else if (isNode(next.value)) {
      const fact = toImport(next.value);
      if (fact) imports.push(fact);
      pushAll(open, partsOfNode(next.value));
    } else feed(formatLeaf(next.value));
  }
}

function pushAll(open: Pending[], parts: readonly Pending[]): void {
  for (let at = parts.length - 1; at >= 0; at--) open.push(parts[at] as Pending);
}

function partsOfList(list: readonly unknown[]): readonly Pending[] {
  const parts: Pending[] = [{ text: '[' }];
  for (const value of list) {
    // A lone `;`, which erasing a type may leave behind, does nothing.
    if (!isNode(value) || value.type !== 'EmptyStatement') parts.push({ value }, { text: ',' });
  }
  parts.push({ text: ']' });
  return parts;
}

/** Fields that say nothing are left out, so that a parser which learns a new one leaves old code as it was. */
function partsOfNode(node: Node): readonly Pending[] {
  const parts: Pending[] = [{ text: `(${node.type}` }];
  const fields = node as unknown as Loose;
  for (const key of Object.keys(fields).sort(byCodeUnit)) {
    const value = fields[key];
    if (SKIPPED.has(key) || (node.type !== 'Literal' && saysNothing(value))) continue;
    const name = key === 'key' && fields['computed'] !== true ? plainKey(value) : undefined;
    parts.push({ text: ` ${key}:` }, name === undefined ? { value } : { text: name });
  }
  parts.push({ text: ')' });
  return parts;
}

function saysNothing(value: unknown): boolean {
  return (
    value === null || value === undefined || value === false || (Array.isArray(value) && value.length === 0)
  );
}

/** `{ a: 1 }` and `{ 'a': 1 }` are one program, and formatters turn one into the other. */
function plainKey(key: unknown): string | undefined {
  if (!isNode(key)) return undefined;
  if (key.type === 'Identifier') return JSON.stringify(nameOf(key));
  const value = (key as unknown as Loose)['value'];
  return key.type === 'Literal' && typeof value !== 'bigint' ? JSON.stringify(String(value)) : undefined;
}

function formatLeaf(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number') return String(value);
  if (value instanceof RegExp) return 're';
  return JSON.stringify(value) ?? 'undefined';
}

function isNode(value: unknown): value is Node {
  return (
    typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
  );
}

function toImport(node: Node): ImportFact | undefined {
  const fields = node as unknown as Loose;
  const at = { line: node.loc?.start.line ?? 1, column: (node.loc?.start.column ?? 0) + 1 };
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression': {
      const specifier = toSpecifier(fields['source']);
      return specifier && { ...specifier, ...at };
    }
    case 'NewExpression': {
      const [first, second] = fields['arguments'] as readonly unknown[];
      if (nameOf(fields['callee']) !== 'URL' || !isImportMetaUrl(second)) return undefined;
      const specifier = toSpecifier(first);
      return specifier && { ...specifier, url: true, ...at };
    }
    case 'CallExpression': {
      const [first] = fields['arguments'] as readonly unknown[];
      const specifier = nameOf(fields['callee']) === 'require' ? toSpecifier(first) : undefined;
      return specifier && { ...specifier, required: true, ...at };
    }
    default:
      return undefined;
  }
}

function toSpecifier(node: unknown): Pick<ImportFact, 'specifier' | 'glob'> | undefined {
  if (!isNode(node)) return undefined;
  const fields = node as unknown as Loose;
  if (node.type === 'Literal' && typeof fields['value'] === 'string') return { specifier: fields['value'] };
  if (node.type !== 'TemplateLiteral') return undefined;
  const quasis = (fields['quasis'] as readonly { value: { cooked: string } }[]).map(
    (quasi) => quasi.value.cooked,
  );
  return { specifier: quasis.join('*'), ...(quasis.length > 1 && { glob: true }) };
}

function nameOf(node: unknown): string | undefined {
  return isNode(node) && node.type === 'Identifier'
    ? ((node as unknown as Loose)['name'] as string)
    : undefined;
}

function isImportMetaUrl(node: unknown): boolean {
  if (!isNode(node) || node.type !== 'MemberExpression') return false;
  const { object, property } = node as unknown as Loose;
  return isNode(object) && object.type === 'MetaProperty' && nameOf(property) === 'url';
}
