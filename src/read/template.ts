import type { Location } from '../base/types.ts';
import { formatOptions } from './command-options.ts';
import { pythonText } from './python-text.ts';
import type { Report } from './report.ts';
import type { Scope } from './scope.ts';
import { type Entry, type ScalarTree, type Tree, typeWords } from './tree.ts';

/**
 * What stands at a place: a stage, a `cmd`, nothing but texts (and lists and maps of them), the values of a `foreach` or `matrix`, which
 * one template may name as a whole, or anything.
 */
export type Place = 'stage' | 'command' | 'text' | 'values' | 'any';

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
      return interpolateText(tree, scope, report, place);
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
  const result = interpolateText(text, scope, report, 'any');
  return result.kind === 'scalar' && !result.broken ? pythonText(result) : entry.key;
}

/** A text with templates, and by what they are replaced. */
interface Written {
  readonly tree: ScalarTree;
  readonly scope: Scope;
  readonly report: Report;
  readonly place: Place;
}

/** One text with its templates replaced; see `interpolate`. */
export function interpolateText(tree: ScalarTree, scope: Scope, report: Report, place: Place): Tree {
  if (typeof tree.value !== 'string' || !tree.value.includes('${')) return tree;
  const written = { tree, scope, report, place };
  const pieces = splitTemplate(tree.value);
  const only = pieces.length === 1 ? pieces[0] : undefined;
  if (typeof only === 'object') return replaceWhole(only, written);
  const parts = pieces.map((piece) => (typeof piece === 'string' ? piece : insert(piece, written)));
  return parts.includes(undefined)
    ? { ...tree, broken: true }
    : { kind: 'scalar', value: parts.join(''), at: tree.at };
}

/** What a text becomes that is this template and nothing else. */
function replaceWhole(template: Template, written: Written): Tree {
  const { tree, place } = written;
  const found = resolve(template, written);
  if (found?.kind === 'scalar') return placed(found, tree.at, place);
  if (found && place === 'values') return found;
  if (found) {
    const isOptions = place === 'command' && found.kind === 'map';
    const hint = isOptions ? 'write the command before it: a map becomes its options' : undefined;
    refuse(template, found, written, hint);
  }
  return { ...tree, broken: true };
}

/** What a template becomes among other text; `undefined`, which is told, where it cannot. */
function insert(template: Template, written: Written): string | undefined {
  const found = resolve(template, written);
  if (found === undefined) return undefined;
  if (found.kind === 'scalar') return pythonText(found);
  const options = written.place === 'command' && found.kind === 'map' ? formatOptions(found) : undefined;
  if (options === undefined) refuse(template, found, written);
  return options;
}

function refuse(template: Template, found: Tree, { tree, report }: Written, hint?: string): void {
  const message = `"${template.source}" is ${typeWords(found)}, and only a text, number or boolean can stand here`;
  report.add('template.type', message, { at: placeIn(tree, template), hint });
}

function resolve(template: Template, { tree, scope, report, place }: Written): Tree | undefined {
  const { source, path } = template;
  const at = placeIn(tree, template);
  if (path === undefined) {
    report.add('template.syntax', '"${" has no closing "}"', {
      at,
      hint: `a literal "\${" is written "${literal(tree, '${')}"`,
    });
    return undefined;
  }
  if (path.startsWith('env:')) {
    const hint = 'put the value in params.yaml, or name the variable under the stage\'s "env:" or "secrets:"';
    report.add('template.env', `"${source}" is only possible in remotes.yaml`, { at, hint });
    return undefined;
  }
  const found = scope.find(path);
  if (found.kind === 'value') return found.tree;
  if (found.kind === 'unknown') return undefined;
  if (found.kind === 'ambiguous') {
    const message = `"${found.path}" stands in both "${found.files[0]}" and "${found.files[1]}"`;
    report.add('template.ambiguous', message, { at, hint: 'rename it in one of them' });
  } else {
    const hint =
      place === 'command' && isForShell(path, found.hint)
        ? `if the shell is to replace it, write "${literal(tree, source)}"`
        : found.hint;
    report.add('template.missing', `no parameter is called "${path}"`, { at, hint });
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
function placeIn(tree: ScalarTree, { source, offset }: Template): Location {
  return tree.partAt?.(source, offset) ?? tree.at;
}

interface Template {
  readonly source: string;
  /** Without the blanks around it; `undefined` when the brace is never closed. */
  readonly path: string | undefined;
  readonly offset: number;
}

/** Cuts a text at its templates, in one pass. */
function splitTemplate(text: string): readonly (string | Template)[] {
  const pieces: (string | Template)[] = [];
  let plain = '';
  let done = 0;
  for (const { 0: source, 1: path, index: offset } of text.matchAll(/\\\$\{|\$\{([^}]*)\}?/g)) {
    plain += text.slice(done, offset);
    done = offset + source.length;
    if (path === undefined) plain += '${';
    else {
      if (plain !== '') pieces.push(plain);
      plain = '';
      pieces.push({ source, path: source.endsWith('}') ? path.trim() : undefined, offset });
    }
  }
  plain += text.slice(done);
  return plain === '' ? pieces : [...pieces, plain];
}
