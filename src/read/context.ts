import type { Location } from '../base/types.ts';
import type { Files } from './files.ts';
import { readPath } from './paths.ts';
import type { Report } from './report.ts';
import { createScope, mergeMaps, type Scope, walk } from './scope.ts';
import { child, type Entry, itemsOf, type MapTree, textOf, type Tree } from './tree.ts';

/** The params file of a pipeline that names none. */
export const DEFAULT_PARAMS = 'params.yaml';

/** What templates and `params:` of stages can name. */
export interface Context {
  /** The declared params files in order, each with its place in pipeline.yaml, and its values. */
  readonly declared: readonly DeclaredParams[];
  /** False when a params file could not be read: what is missing may stand there. */
  readonly complete: boolean;
  readonly scope: Scope;
}

/** A params file of the pipeline with its values. */
export interface DeclaredParams {
  readonly file: string;
  readonly values: MapTree;
}

/**
 * Reads the params files and `vars:` of a pipeline. Without `params:` it is params.yaml, when that exists.
 * Files merge first, then the items of `vars` in order, deeply; a leaf that `vars` defines again is `vars.redefined`.
 */
export function readContext(root: MapTree, files: Files, report: Report): Context {
  const { declared, complete: allDeclared } = readDeclared(root, files, report);
  let complete = allDeclared;
  const conflicts = new Map<string, readonly [string, string]>();
  let merged: MapTree = { kind: 'map', entries: new Map(), at: root.at };
  for (const { values } of declared) {
    merged = mergeMaps(merged, values, (path, second, first) =>
      conflicts.set(path, [first.file, second.file]),
    );
  }
  const vars = child(root, 'vars');
  if (vars && vars.kind !== 'list') complete = false;
  for (const item of itemsOf(vars)) {
    const values = readVars(item, files, report);
    if (values === undefined) {
      complete = false;
      continue;
    }
    merged = mergeMaps(merged, values, (path, second, first) => {
      if (isSamePlace(first, second)) return;
      report.add('vars.redefined', `"${path}" is defined a second time`, {
        at: [second, first],
        hint: 'vars add values and never replace one: rename it or remove one of the two',
      });
    });
  }
  return { declared, complete: allDeclared, scope: createScope({ root: merged, conflicts, complete }) };
}

function readDeclared(root: MapTree, files: Files, report: Report): Pick<Context, 'declared' | 'complete'> {
  const written = child(root, 'params');
  if (written === undefined) {
    if (!files.exists(DEFAULT_PARAMS)) return { declared: [], complete: true };
    const values = files.params(DEFAULT_PARAMS);
    return values
      ? { declared: [{ file: DEFAULT_PARAMS, values }], complete: true }
      : { declared: [], complete: false };
  }
  const declared: DeclaredParams[] = [];
  let complete = written.kind === 'list';
  for (const item of itemsOf(written)) {
    const read = readPath(item, { wdir: '.', what: 'params file' }, report);
    const file = read?.path;
    if (declared.some((other) => other.file === file)) continue;
    const values = read && files.params(read.path, read.text.at);
    if (file && values) declared.push({ file, values });
    else complete = false;
  }
  return { declared, complete };
}

/** One item of `vars`: `path`, `path:key1,key2` or an inline map. */
function readVars(item: Tree, files: Files, report: Report): MapTree | undefined {
  if (hasTemplate(item, report)) return undefined;
  if (item.kind === 'map') return item;
  const text = textOf(item);
  if (text === undefined) return undefined;
  const colon = text.value.indexOf(':');
  const written: Tree = {
    kind: 'scalar',
    value: colon === -1 ? text.value : text.value.slice(0, colon),
    at: text.at,
  };
  const file = readPath(written, { wdir: '.', what: 'params file' }, report)?.path;
  if (file === undefined) return undefined;
  const values = files.params(file, text.at);
  if (values === undefined || colon === -1) return values;
  const entries = new Map<string, Entry>();
  for (const key of text.value.slice(colon + 1).split(',')) {
    const name = key.trim();
    const entry = values.entries.get(name);
    const found = walk(values, [name]);
    if (entry) entries.set(name, entry);
    else {
      const hint = found.kind === 'missing' ? found.hint : undefined;
      report.add('vars.missing', `"${file}" has no key "${name}"`, { at: text.at, hint });
    }
  }
  return { kind: 'map', entries, at: item.at };
}

function hasTemplate(tree: Tree, report: Report): boolean {
  if (tree.kind === 'scalar') {
    if (typeof tree.value !== 'string' || !/(?<!\\)\$\{/.test(tree.value)) return false;
    report.add('vars.template', 'templates are not possible inside "vars"', {
      at: tree.at,
      hint: 'write the value itself',
    });
    return true;
  }
  const values =
    tree.kind === 'list' ? tree.items : Array.from(tree.entries.values(), (entry) => entry.value);
  return values.filter((value) => hasTemplate(value, report)).length > 0;
}

function isSamePlace(a: Location, b: Location): boolean {
  return a.file === b.file && a.line === b.line && a.column === b.column;
}
