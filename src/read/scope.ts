import { didYouMean, suggest } from '../base/text.ts';
import type { Location } from '../base/types.ts';
import type { Entry, MapTree, Tree } from './tree.ts';

/** The names a template can use. */
export interface Scope {
  /** Follows a path such as `fetch.start` or `list[0].x`. */
  find(path: string): Found;
  /** The same names and these, which win. */
  with(names: Readonly<Record<string, Tree>>): Scope;
}

/** What a path of a template leads to. */
export type Found =
  | { readonly kind: 'value'; readonly tree: Tree }
  | { readonly kind: 'missing'; readonly hint: string | undefined }
  /** `path` is the key that two files have: the one that is looked for, or one above or below it. */
  | { readonly kind: 'ambiguous'; readonly path: string; readonly files: readonly [string, string] }
  /** Not there, but a file that might have it could not be read, which has been told. */
  | { readonly kind: 'unknown' };

/** A key that two files give different places to; which of them is meant is asked only when it is used. */
export type Conflicts = ReadonlyMap<string, readonly [string, string]>;

/** What a scope looks names up in. */
export interface ScopeInput {
  readonly root: MapTree;
  readonly conflicts: Conflicts;
  /** False when a file with values could not be read. */
  readonly complete: boolean;
}

/** A scope over merged values; `names` (the `item` and `key` of an instance) hide values of the same name. */
export function createScope(input: ScopeInput, names: Readonly<Record<string, Tree>> = {}): Scope {
  const { root, conflicts, complete } = input;
  return {
    find(path) {
      const parts = splitPath(path);
      if (parts === undefined)
        return { kind: 'missing', hint: 'write names with dots between them, as in ${train.epochs}' };
      const [first = ''] = parts;
      const local = Object.hasOwn(names, first) ? names[first] : undefined;
      if (local) return walk(local, parts.slice(1), [first]);
      const above = conflictAbove(conflicts, parts);
      if (above) return above;
      const found = walk(root, parts, [], Object.keys(names));
      if (found.kind === 'missing' && !complete) return { kind: 'unknown' };
      const isSection = found.kind === 'value' && found.tree.kind === 'map';
      return (isSection ? conflictBelow(conflicts, parts) : undefined) ?? found;
    },
    with: (more) => createScope(input, { ...names, ...more }),
  };
}

/** The conflict at a path or at a part of it. */
function conflictAbove(conflicts: Conflicts, parts: readonly string[]): Found | undefined {
  for (let i = 1; i <= parts.length; i++) {
    const path = parts.slice(0, i).join('.');
    const files = conflicts.get(path);
    if (files) return { kind: 'ambiguous', path, files };
  }
  return undefined;
}

/** The first conflict inside a section. */
function conflictBelow(conflicts: Conflicts, parts: readonly string[]): Found | undefined {
  const section = `${parts.join('.')}.`;
  for (const [path, files] of conflicts)
    if (path.startsWith(section)) return { kind: 'ambiguous', path, files };
  return undefined;
}

/** A longer path names nothing: it would be a mistake, or an attempt to make this slow. */
const MAX_PATH = 1000;
/** Among more keys than this a near one is not looked for: it costs more than it helps. */
const MAX_CANDIDATES = 500;

/** The parts of `a.b[0].c`; `undefined` for a path no value can have. */
function splitPath(path: string): readonly string[] | undefined {
  if (path.length > MAX_PATH) return undefined;
  const parts = path.replace(/\[(\d+)\]/g, '.$1').split('.');
  return parts.some((part) => part === '' || /[[\]]/.test(part)) ? undefined : parts;
}

/** Follows the parts of a path from a tree down; the hint of a failure names the nearest key where the path broke. */
export function walk(
  tree: Tree,
  parts: readonly string[],
  done: readonly string[] = [],
  more: readonly string[] = [],
): Found {
  let here = tree;
  for (const [i, part] of parts.entries()) {
    const next = step(here, part);
    if (next === undefined) {
      const hint = missingHint(here, part, [...done, ...parts.slice(0, i)], i === 0 ? more : []);
      return { kind: 'missing', hint };
    }
    here = next;
  }
  return { kind: 'value', tree: here };
}

function step(tree: Tree, part: string): Tree | undefined {
  if (tree.kind === 'map') return tree.entries.get(part)?.value;
  return tree.kind === 'list' && /^\d+$/.test(part) ? tree.items[Number(part)] : undefined;
}

function missingHint(
  tree: Tree,
  part: string,
  above: readonly string[],
  more: readonly string[],
): string | undefined {
  const name = above.join('.');
  if (tree.kind === 'list') return `"${name}" is a list of ${tree.items.length}, counted from 0`;
  if (tree.kind === 'scalar') return above.length === 0 ? undefined : `"${name}" is no map`;
  const candidates = [...more, ...tree.entries.keys()];
  if (candidates.length > MAX_CANDIDATES) return undefined;
  const hint = didYouMean(part, candidates);
  if (hint === undefined || above.length === 0) return hint;
  const near = suggest(part, candidates);
  return near === undefined
    ? `known below "${name}": ${candidates.join(', ')}`
    : `did you mean "${name}.${near}"?`;
}

/** Tells of a leaf that is defined a second time. */
export type OnConflict = (path: string, second: Location, first: Location) => void;

/** Two maps as one, deeply; where both have a leaf the first stays and `onConflict` is told. */
export function mergeMaps(first: MapTree, second: MapTree, onConflict: OnConflict, above = ''): MapTree {
  const entries = new Map<string, Entry>(first.entries);
  for (const [key, entry] of second.entries) {
    const old = entries.get(key);
    const path = above === '' ? key : `${above}.${key}`;
    if (old === undefined) entries.set(key, entry);
    else if (old.value.kind === 'map' && entry.value.kind === 'map') {
      entries.set(key, { ...old, value: mergeMaps(old.value, entry.value, onConflict, path) });
    } else onConflict(path, entry.keyAt, old.keyAt);
  }
  return { kind: 'map', entries, at: first.at };
}
