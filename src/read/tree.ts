import type { Json, Location } from '../base/types.ts';

/** A value of a file together with its place. */
export type Tree = ScalarTree | ListTree | MapTree;

/** A text, number, boolean or null. */
export interface ScalarTree {
  readonly kind: 'scalar';
  readonly value: null | boolean | number | bigint | string;
  readonly at: Location;
  /** Written as a float: `1.0` is not `1` when it becomes text. */
  readonly float?: true;
  /** A template stood here: the value is written elsewhere. */
  readonly placed?: true;
  /** A number or boolean as it is written: `1_000`, `0x1F`, `1.50`. */
  readonly written?: string;
  /** Of a text with templates: where a part of it, at an offset of the value, is written; `undefined` for one that is written otherwise. */
  readonly partAt?: (part: string, offset: number) => Location | undefined;
  /** Written in double quotes, where YAML has escapes of its own. */
  readonly doubleQuoted?: true;
  /** A template that could not be resolved: already told, so nothing more is said about this value. */
  readonly broken?: true;
}

/** A list; a block list below a key is placed at that key. */
export interface ListTree {
  readonly kind: 'list';
  readonly items: readonly Tree[];
  readonly at: Location;
}

/** One key of a map with its value. */
export interface Entry {
  readonly key: string;
  readonly keyAt: Location;
  readonly value: Tree;
}

/** A map in written order; a block map below a key is placed at that key. */
export interface MapTree {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, Entry>;
  readonly at: Location;
}

/** The value without its places. Shared parts stay shared. */
export function toJson(tree: Tree): Json {
  switch (tree.kind) {
    case 'scalar':
      return tree.value;
    case 'list':
      return tree.items.map(toJson);
    case 'map':
      return Object.fromEntries(
        Array.from(tree.entries.values(), (entry) => [entry.key, toJson(entry.value)]),
      );
    default:
      return tree satisfies never;
  }
}

/** The value under a key of a map; `undefined` when there is none or the tree is no map. */
export function child(tree: Tree | undefined, key: string): Tree | undefined {
  return tree?.kind === 'map' ? tree.entries.get(key)?.value : undefined;
}

/** The entries of a map in written order; none for anything else. */
export function entriesOf(tree: Tree | undefined): readonly Entry[] {
  return tree?.kind === 'map' ? [...tree.entries.values()] : [];
}

/** The items of a list; none for anything else. */
export function itemsOf(tree: Tree | undefined): readonly Tree[] {
  return tree?.kind === 'list' ? tree.items : [];
}

/** A text with its place. */
export interface Text {
  readonly value: string;
  readonly at: Location;
}

/** The text of a tree; `undefined` for every other type, a broken template, and an empty one, which the schemas refuse. */
export function textOf(tree: Tree | undefined): Text | undefined {
  if (tree?.kind !== 'scalar' || typeof tree.value !== 'string' || tree.value === '' || tree.broken)
    return undefined;
  return { value: tree.value, at: tree.at };
}

/** The number of a tree, a big one rounded to a double; `undefined` for every other type. */
export function numberOf(tree: Tree | undefined): number | undefined {
  if (tree?.kind !== 'scalar') return undefined;
  return typeof tree.value === 'number' || typeof tree.value === 'bigint' ? Number(tree.value) : undefined;
}

/** The boolean of a tree, or else the default: a missing flag, or one that the schema has refused. */
export function flagOf(tree: Tree | undefined, otherwise: boolean): boolean {
  return tree?.kind === 'scalar' && typeof tree.value === 'boolean' ? tree.value : otherwise;
}

/** The type of a value in the user's words, with its article. */
export function typeWords(tree: Tree): string {
  if (tree.kind === 'list') return 'a list';
  if (tree.kind === 'map') return 'a map';
  if (tree.value === null) return 'nothing';
  if (typeof tree.value === 'string') return tree.value === '' ? 'an empty text' : 'a text';
  return typeof tree.value === 'boolean' ? String(tree.value) : 'a number';
}
