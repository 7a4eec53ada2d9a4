import { createHash } from 'node:crypto';
import { stripTypeScriptTypes } from 'node:module';
import { parse } from 'acorn';
import type { Node } from 'acorn';

/** How one file refers to another. */
export interface ImportFact {
  /** `glob`: a template specifier, its holes as `*`. `url`: `new URL(…, import.meta.url)`. */
  readonly kind: 'import' | 'glob' | 'url';
  readonly specifier: string;
  readonly line: number;
  readonly column: number;
}

/** What the fingerprint needs to know of a code file. */
export interface CodeFacts {
  /** `ast1:<sha256>` of the syntax tree without positions, comments and types. */
  readonly ast: string;
  readonly imports: readonly ImportFact[];
}

/** A syntax error in a stage's code, in the coordinates of the file. */
export interface SyntaxFault {
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

/** Reads a module: strips types as Node does, parses, and hashes the tree; formatting and comments do not count. */
export function readCode(text: string, typescript: boolean): CodeFacts | SyntaxFault {
  let tree: Node;
  try {
    const script = typescript ? stripTypes(text) : text;
    tree = parse(script, {
      ecmaVersion: 'latest',
      sourceType: 'module',
      allowHashBang: true,
      locations: true,
    });
  } catch (error) {
    return toFault(error);
  }
  const hash = createHash('sha256');
  const imports: ImportFact[] = [];
  visit(tree, (text) => hash.update(text), imports);
  return { ast: `ast1:${hash.digest('hex')}`, imports };
}

export function isFault(facts: CodeFacts | SyntaxFault): facts is SyntaxFault {
  return 'message' in facts;
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
  const { message, loc, startLine, startColumn } = error as SyntaxError & {
    loc?: { line: number; column: number };
    startLine?: number;
    startColumn?: number;
  };
  return {
    message: message.replace(/ \(\d+:\d+\)$/, '').split('\n')[0] ?? 'syntax error',
    line: loc?.line ?? startLine ?? 1,
    column: (loc?.column ?? startColumn ?? 0) + 1,
  };
}

type Loose = { readonly [key: string]: unknown };

const SKIPPED = new Set(['start', 'end', 'loc', 'range', 'raw', 'sourceType']);

/** Feeds a node to the hash: its type, then its fields by name; lists and missing nodes are told apart. */
function visit(node: Node, feed: (text: string) => void, imports: ImportFact[]): void {
  const fact = toImport(node);
  if (fact) imports.push(fact);
  feed(`(${node.type}`);
  const fields = node as unknown as Loose;
  for (const key in fields) {
    if (key === 'type' || SKIPPED.has(key)) continue;
    feed(` ${key}:`);
    feedValue(fields[key], feed, imports);
  }
  feed(')');
}

function feedValue(value: unknown, feed: (text: string) => void, imports: ImportFact[]): void {
  if (Array.isArray(value)) {
    feed('[');
    for (const item of value as unknown[]) {
      // A lone `;`, which erasing a type may leave behind, does nothing.
      if (!isNode(item) || item.type !== 'EmptyStatement') feedValue(item, feed, imports);
      feed(',');
    }
    feed(']');
  } else if (isNode(value)) visit(value, feed, imports);
  else if (typeof value === 'bigint') feed(`${value}n`);
  else if (value instanceof RegExp) feed('re');
  else if (typeof value === 'number') feed(Object.is(value, -0) ? '-0' : String(value));
  else feed(JSON.stringify(value) ?? 'undefined');
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
      return (
        specifier && {
          kind: specifier.kind === 'glob' ? 'glob' : 'url',
          specifier: specifier.specifier,
          ...at,
        }
      );
    }
    case 'CallExpression': {
      const [first] = fields['arguments'] as readonly unknown[];
      const specifier = nameOf(fields['callee']) === 'require' ? toSpecifier(first) : undefined;
      return specifier && { ...specifier, ...at };
    }
    default:
      return undefined;
  }
}

function toSpecifier(node: unknown): { kind: 'import' | 'glob'; specifier: string } | undefined {
  if (!isNode(node)) return undefined;
  const fields = node as unknown as Loose;
  if (node.type === 'Literal' && typeof fields['value'] === 'string')
    return { kind: 'import', specifier: fields['value'] };
  if (node.type !== 'TemplateLiteral') return undefined;
  const quasis = (fields['quasis'] as readonly { value: { cooked: string } }[]).map(
    (quasi) => quasi.value.cooked,
  );
  return { kind: quasis.length > 1 ? 'glob' : 'import', specifier: quasis.join('*') };
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
