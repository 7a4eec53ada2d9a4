import type { Location } from '../base/types.ts';
import { formatOptions } from './command-options.ts';
import { pythonText } from './python-text.ts';
import type { Report } from './report.ts';
import type { Scope } from './scope.ts';
import { type Entry, type ScalarTree, type Tree, typeWords } from './tree.ts';

/** What a text that is one single template may become. */
export type Allowed = 'scalar' | 'any';

/** What stands at a place: a stage, a `cmd`, nothing but texts (and lists and maps of them), or anything. */
export type Place = 'stage' | 'command' | 'text' | 'any';

/** Keys of a stage whose values are texts. */
const TEXT_KEYS: ReadonlySet<string> = new Set([
  'run',
  'wdir',
  'deps',
  'outs',
  'metrics',
  'plots',
  'params',
  'pool',
  'desc',
  'group',
]);

/**
 * Replaces every `${path}` in the texts and keys of a tree; `\${` becomes a literal `${`.
 *
 * A text that is exactly one template takes the value with its type, but a number becomes text where only texts can stand. Elsewhere
 * values become text as DVC writes them: `true`, `None`, Python's floats. Inside a command a map becomes command-line options. Values
 * keep the place where the template stands. Problems: `template.missing`, `.type`, `.ambiguous`, `.env`, `.syntax`.
 */
export function interpolate(tree: Tree, scope: Scope, report: Report, place: Place = 'any'): Tree {
  switch (tree.kind) {
    case 'scalar':
      return interpolateText(tree, scope, report, { place, allowed: 'scalar' });
    case 'list': {
      let changed = false;
      const items = tree.items.map((item) => {
        const next = interpolate(item, scope, report, place);
        changed ||= next !== item;
        return next;
      });
      return changed ? { ...tree, items } : tree;
    }
    case 'map': {
      let changed = false;
      const entries = new Map<string, Entry>();
      for (const entry of tree.entries.values()) {
        const key = interpolateKey(entry, scope, report);
        const value = interpolate(entry.value, scope, report, place === 'stage' ? placeBelow(key) : place);
        changed ||= key !== entry.key || value !== entry.value;
        const twin = entries.get(key);
        if (twin)
          report.add('yaml.duplicate-key', `two keys here become "${key}"`, {
            at: [entry.keyAt, twin.keyAt],
          });
        entries.set(key, { key, keyAt: entry.keyAt, value });
      }
      return changed ? { ...tree, entries } : tree;
    }
    default:
      return tree satisfies never;
  }
}

function placeBelow(key: string): Place {
  if (key === 'cmd') return 'command';
  return TEXT_KEYS.has(key) ? 'text' : 'any';
}

function interpolateKey(entry: Entry, scope: Scope, report: Report): string {
  if (!entry.key.includes('${')) return entry.key;
  const text: ScalarTree = { kind: 'scalar', value: entry.key, at: entry.keyAt };
  const result = interpolateText(text, scope, report, { place: 'any', allowed: 'scalar' });
  return result.kind === 'scalar' && !result.broken ? pythonText(result) : entry.key;
}

/** One text with its templates replaced; see `interpolate`. With `any`, a single template may become a list or a map. */
export function interpolateText(
  tree: ScalarTree,
  scope: Scope,
  report: Report,
  { place, allowed }: { readonly place: Place; readonly allowed: Allowed },
): Tree {
  if (typeof tree.value !== 'string' || !tree.value.includes('${')) return tree;
  const inCommand = place === 'command';
  const pieces = splitTemplate(tree.value);
  const only = pieces.length === 1 ? pieces[0] : undefined;
  if (only?.kind === 'template') {
    const found = resolve(only, tree, scope, report, inCommand);
    if (found === undefined) return { ...tree, broken: true };
    if (found.kind === 'scalar') return placed(found, tree.at, place);
    if (allowed === 'any') return found;
    refuse(only, tree, found, report, inCommand && found.kind === 'map');
    return { ...tree, broken: true };
  }
  let text = '';
  let broken = false;
  for (const piece of pieces) {
    const part = piece.kind === 'text' ? piece.text : insert(piece, tree, scope, report, inCommand);
    if (part === undefined) broken = true;
    else text += part;
  }
  return broken ? { ...tree, broken: true } : { kind: 'scalar', value: text, at: tree.at };
}

function insert(
  piece: TemplatePiece,
  tree: ScalarTree,
  scope: Scope,
  report: Report,
  inCommand: boolean,
): string | undefined {
  const found = resolve(piece, tree, scope, report, inCommand);
  if (found === undefined) return undefined;
  if (found.kind === 'scalar') return pythonText(found);
  const options = inCommand && found.kind === 'map' ? formatOptions(found) : undefined;
  if (options === undefined) refuse(piece, tree, found, report, false);
  return options;
}

function refuse(
  piece: TemplatePiece,
  tree: ScalarTree,
  found: Tree,
  report: Report,
  wholeCommand: boolean,
): void {
  report.add(
    'template.type',
    `"${piece.source}" is ${typeWords(found)}, and only a text, number or boolean can stand here`,
    {
      at: placeIn(tree, piece),
      hint: wholeCommand ? 'write the command before it: a map becomes its options' : undefined,
    },
  );
}

function resolve(
  piece: TemplatePiece,
  tree: ScalarTree,
  scope: Scope,
  report: Report,
  inCommand: boolean,
): Tree | undefined {
  const at = placeIn(tree, piece);
  if (piece.path === undefined) {
    report.add('template.syntax', '"${" has no closing "}"', {
      at,
      hint: `a literal "\${" is written "${literal(tree, '${')}"`,
    });
    return undefined;
  }
  if (piece.path.startsWith('env:')) {
    const hint = 'put the value in params.yaml, or name the variable under the stage\'s "env:" or "secrets:"';
    report.add('template.env', `"${piece.source}" is only possible in remotes.yaml`, { at, hint });
    return undefined;
  }
  const found = scope.find(piece.path);
  if (found.kind === 'value') return found.tree;
  if (found.kind === 'unknown') return undefined;
  if (found.kind === 'ambiguous') {
    const message = `"${found.path}" stands in both "${found.files[0]}" and "${found.files[1]}"`;
    report.add('template.ambiguous', message, { at, hint: 'rename it in one of them' });
  } else {
    const hint =
      inCommand && isForShell(piece.path, found.hint)
        ? `if the shell is to replace it, write "${literal(tree, piece.source)}"`
        : found.hint;
    report.add('template.missing', `no parameter is called "${piece.path}"`, { at, hint });
  }
  return undefined;
}

/** What the shell knows and we do not: `${out:-x}` and the like, or a plain name that is near to none of ours. */
function isForShell(path: string, hint: string | undefined): boolean {
  if (/[^\p{L}\p{N}_.[\]\s-]|\[\D/u.test(path)) return true;
  return /^[^.[\s]+$/.test(path) && !hint?.startsWith('did');
}

/** How a template is kept as it is where this text stands. */
function literal(tree: ScalarTree, source: string): string {
  return `${tree.doubleQuoted ? '\\\\' : '\\'}${source}`;
}

/** The value as it stands where its template stood. */
function placed(tree: ScalarTree, at: Location, place: Place): ScalarTree {
  const { value, float, written } = tree;
  const isNumber = typeof value === 'number' || typeof value === 'bigint';
  // `010` and `1e3` stay numbers, which are refused: `10` and `1000.0`, what they are inside a text, would surprise.
  if (isNumber && (place === 'text' || place === 'command') && pythonText(tree) === written)
    return { kind: 'scalar', value: written, at };
  return { kind: 'scalar', value, at, placed: true, ...(float && { float }), ...(written && { written }) };
}

/** The template's own place, or else that of the whole value. */
function placeIn(tree: ScalarTree, { source, offset }: TemplatePiece): Location {
  return tree.partAt?.(source, offset) ?? tree.at;
}

interface TextPiece {
  readonly kind: 'text';
  readonly text: string;
}

interface TemplatePiece {
  readonly kind: 'template';
  readonly source: string;
  /** Without the blanks around it; `undefined` when the brace is never closed. */
  readonly path: string | undefined;
  readonly offset: number;
}

/** Cuts a text at its templates, in one pass. */
function splitTemplate(text: string): readonly (TextPiece | TemplatePiece)[] {
  const pieces: (TextPiece | TemplatePiece)[] = [];
  let plain = '';
  let done = 0;
  for (let start = text.indexOf('${'); start !== -1; start = text.indexOf('${', done)) {
    if (text[start - 1] === '\\' && start > done) {
      plain += `${text.slice(done, start - 1)}\${`;
      done = start + 2;
      continue;
    }
    plain += text.slice(done, start);
    if (plain !== '') pieces.push({ kind: 'text', text: plain });
    plain = '';
    const end = text.indexOf('}', start);
    const stop = end === -1 ? text.length : end + 1;
    const path = end === -1 ? undefined : text.slice(start + 2, end).trim();
    pieces.push({ kind: 'template', source: text.slice(start, stop), path, offset: start });
    done = stop;
  }
  plain += text.slice(done);
  if (plain !== '') pieces.push({ kind: 'text', text: plain });
  return pieces;
}
