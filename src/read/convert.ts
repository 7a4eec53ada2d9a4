import { type Alias, isAlias, isMap, isScalar, isSeq, type Document, type Node, type Pair } from 'yaml';
import { formatCount } from '../base/text.ts';
import type { Location } from '../base/types.ts';
import type { Source } from './decode.ts';
import type { Report } from './report.ts';
import type { Entry, MapTree, ScalarTree, Tree } from './tree.ts';

/** Deeper nesting is no configuration; it also keeps every walk of a tree within the stack. */
const MAX_DEPTH = 64;
/** Values that aliases may multiply a file to, before that is taken for an attack. */
const MAX_VALUES = 100_000;

/** Turns a parsed document into a tree; an anchor's tree is made once and shared by its aliases. Codes: `yaml.*`. */
export function convertDocument(source: Source, document: Document, report: Report): Tree | undefined {
  const made = new Map<Node, { tree: Tree; weight: number }>();
  const open = new Set<Node>();
  const anchors = collectAnchors(document);
  let weight = 0;
  let written = 0;
  let stopped = false;

  function stop(code: string, message: string, at: Location, hint?: string): undefined {
    stopped = true;
    report.add(code, message, { at, hint });
    return undefined;
  }

  function convert(node: Node | null, owner: Location | undefined, depth: number): Tree | undefined {
    if (stopped) return undefined;
    if (node === null) return { kind: 'scalar', value: null, at: owner ?? source.place(0, 1) };
    const at = placeOf(node, owner);
    if (depth > MAX_DEPTH) return stop('yaml.depth', `more than ${MAX_DEPTH} levels of nesting`, at);
    if (isAlias(node)) return follow(node, at, depth);
    if (node.tag === '!') return refuseBareTag(node);
    if (open.has(node)) return stop('yaml.alias', 'an alias stands inside the value it names', at);
    open.add(node);
    const before = weight++;
    written++;
    const tree = isMap(node)
      ? convertMap(node.items, at, depth)
      : isSeq(node)
        ? convertList(node.items, at, depth)
        : scalar(node, at);
    open.delete(node);
    if (tree !== undefined && node.anchor !== undefined) made.set(node, { tree, weight: weight - before });
    return tree;
  }

  /** It says nothing, and of a `cmd` that begins with a negation it would be lost. */
  function refuseBareTag(node: Node): ScalarTree {
    report.add('yaml.tag', 'to YAML the "!" is a tag, and no part of the value', {
      at: source.place(source.text.lastIndexOf('!', rangeOf(node)[0] - 1), 1),
      hint: 'quote the whole value',
    });
    return { kind: 'scalar', value: null, at: placeOf(node, undefined), broken: true };
  }

  function follow(alias: Alias, at: Location, depth: number): Tree | undefined {
    const target = anchors.get(alias);
    if (target === undefined)
      return stop(
        'yaml.alias',
        `no anchor "&${alias.source}" stands before this alias`,
        at,
        'quote the value if the "*" belongs to it',
      );
    if (open.has(target))
      return stop('yaml.alias', `the alias "*${alias.source}" stands inside the value it names`, at);
    const known = made.get(target);
    if (known === undefined) return convert(target, undefined, depth);
    weight += known.weight;
    if (weight > MAX_VALUES && weight > 20 * written) {
      return stop(
        'yaml.alias',
        `aliases blow this file up to more than ${formatCount(MAX_VALUES)} values`,
        at,
      );
    }
    const { tree } = known;
    // What is wrong with it may be wrong in this place only; a template in it is told where it is written.
    return tree.kind === 'scalar' ? { ...tree, at, placed: true } : tree;
  }

  function convertList(items: readonly unknown[], at: Location, depth: number): Tree | undefined {
    const trees = items.map((item) => convert(item as Node | null, undefined, depth + 1));
    return stopped ? undefined : { kind: 'list', items: trees as Tree[], at };
  }

  function convertMap(pairs: readonly Pair[], at: Location, depth: number): MapTree | undefined {
    const entries = new Map<string, Entry>();
    const merged: MapTree[] = [];
    for (const pair of pairs) {
      const key = pair.key as Node | null;
      const value = pair.value as Node | null;
      if (isMergeKey(key)) {
        merged.push(...mergeSources(convert(value, placeOf(key as Node, undefined), depth + 1)));
        continue;
      }
      const name = keyOf(key, at);
      if (name === undefined) continue;
      const twin = entries.get(name.key);
      if (twin) {
        report.add('yaml.duplicate-key', `the key "${name.key}" stands here twice`, {
          at: [name.keyAt, twin.keyAt],
          hint: 'remove or rename one of them',
        });
      }
      const tree = convert(value, name.keyAt, depth + 1);
      if (tree !== undefined) entries.set(name.key, { ...name, value: tree });
    }
    for (const map of merged) {
      for (const [key, entry] of map.entries) if (!entries.has(key)) entries.set(key, entry);
    }
    return stopped ? undefined : { kind: 'map', entries, at };
  }

  function mergeSources(tree: Tree | undefined): readonly MapTree[] {
    if (tree === undefined) return [];
    const trees = tree.kind === 'list' ? tree.items : [tree];
    const bad = trees.find((item) => item.kind !== 'map');
    if (bad) report.add('yaml.merge', '"<<" merges maps, and this is none', { at: bad.at });
    return trees.filter((item): item is MapTree => item.kind === 'map');
  }

  function keyOf(key: Node | null, mapAt: Location): Omit<Entry, 'value'> | undefined {
    const target = isAlias(key) ? anchors.get(key) : key;
    const keyAt = key === null ? mapAt : placeOf(key, undefined);
    if (isScalar(target) && typeof target.value === 'string') {
      if (target.value !== '__proto__') return { key: target.value, keyAt };
      report.add('yaml.key', 'the key "__proto__" is not usable', {
        at: keyAt,
        hint: 'give it another name',
      });
    } else {
      const shown = isScalar(target) ? (target.source ?? '') : '';
      report.add(
        'yaml.key',
        shown === '' ? 'a key must be a text' : `a key must be a text, and ${shown} is none`,
        {
          at: keyAt,
          hint: shown === '' ? undefined : `quote it: "${shown}"`,
        },
      );
    }
    return undefined;
  }

  function scalar(node: Node, at: Location): ScalarTree {
    const value: unknown = isScalar(node) ? (node.value ?? null) : null;
    const written = source.text.slice(...rangeOf(node));
    if (typeof value === 'bigint') {
      const small = Number(value);
      return { kind: 'scalar', value: Number.isSafeInteger(small) ? small : value, at, written };
    }
    if (typeof value === 'number') {
      if (Number.isFinite(value)) return { kind: 'scalar', value, at, float: true, written };
      report.add('yaml.number', `${written} is not a number a lockfile can hold`, {
        at,
        hint: 'use null or a text instead',
      });
      return { kind: 'scalar', value: null, at, broken: true };
    }
    if (typeof value === 'string') {
      if (!value.includes('${')) return { kind: 'scalar', value, at };
      const [start] = rangeOf(node);
      const partAt = (part: string, offset: number): Location | undefined => {
        // Escapes, folds and indentation stand between parts, and seldom in one.
        const [line = ''] = part.split('\n', 1);
        const within = findWritten(line, { value, offset, written });
        return within === -1 ? undefined : source.place(start + within, line.length);
      };
      return { kind: 'scalar', value, at, partAt, ...(written.startsWith('"') && { doubleQuoted: true }) };
    }
    if (typeof value === 'boolean') return { kind: 'scalar', value, at, written };
    if (value === null) return { kind: 'scalar', value, at };
    report.add('yaml.tag', `${written} is a type that parameters cannot have`, {
      at,
      hint: 'quote it, so that it is a text',
    });
    return { kind: 'scalar', value: null, at, broken: true };
  }

  /** A block below a key is shown at its key: its own first line says nothing about the whole. */
  function placeOf(node: Node, owner: Location | undefined): Location {
    const [start, end] = rangeOf(node);
    if (owner && (start === end || ((isMap(node) || isSeq(node)) && !node.flow))) return owner;
    return source.place(start, end - start);
  }

  return convert(document.contents, undefined, 0);
}

/** Where what stands at an offset of a value is written: behind as many of its like as in the value; -1 where it is not. */
function findWritten(
  part: string,
  { value, offset, written }: { readonly value: string; readonly offset: number; readonly written: string },
): number {
  let at = value.indexOf(part);
  let found = written.indexOf(part);
  while (at !== -1 && at < offset && found !== -1) {
    at = value.indexOf(part, at + 1);
    found = written.indexOf(part, found + 1);
  }
  return found;
}

function rangeOf(node: Node): [number, number] {
  return [node.range?.[0] ?? 0, node.range?.[1] ?? 0];
}

function isMergeKey(key: Node | null): boolean {
  return isScalar(key) && (typeof key.value === 'symbol' || (key.value === '<<' && key.type === 'PLAIN'));
}

/** What each alias stands for: the last anchor of its name before it. */
function collectAnchors(document: Document): ReadonlyMap<Alias, Node> {
  const named = new Map<string, Node>();
  const found = new Map<Alias, Node>();
  const pending: unknown[] = [document.contents];
  while (pending.length > 0) {
    const node = pending.pop();
    if (isAlias(node)) {
      const target = named.get(node.source);
      if (target) found.set(node, target);
      continue;
    }
    if (isScalar(node) || isMap(node) || isSeq(node)) {
      if (node.anchor !== undefined) named.set(node.anchor, node);
    }
    // Last in, first out: pushed backwards, so that the walk follows the text.
    if (isSeq(node)) for (const item of node.items.toReversed()) pending.push(item);
    else if (isMap(node)) for (const pair of node.items.toReversed()) pending.push(pair.value, pair.key);
  }
  return found;
}
