import { shellQuote } from '../base/text.ts';
import { pythonText } from './python-text.ts';
import type { MapTree, Tree } from './tree.ts';

/**
 * A map as command-line options, as DVC writes it into a `cmd`: `--foo 'a b' --t --nested.baz q --list 2 3`.
 * `false` and empty lists are left out; inside a list `true` is Python's. `undefined` when a list holds a list or a map, which
 * options cannot say.
 */
export function formatOptions(map: MapTree): string | undefined {
  const parts: string[] = [];
  for (const [key, value] of flatten(map, '')) {
    if (value.kind === 'map') continue;
    if (value.kind === 'list') {
      if (value.items.some((item) => item.kind !== 'scalar')) return undefined;
      // An option without its values would take the word behind it.
      if (value.items.length > 0) parts.push(`--${key}`, ...value.items.map(argumentInList));
    } else if (value.value === true) parts.push(`--${key}`);
    else if (value.value !== false) parts.push(`--${key}`, argument(value));
  }
  return parts.join(' ');
}

function* flatten(map: MapTree, prefix: string): Generator<[string, Tree]> {
  for (const { key, value } of map.entries.values()) {
    if (value.kind === 'map') yield* flatten(value, `${prefix}${key}.`);
    else yield [prefix + key, value];
  }
}

/** DVC writes booleans of a list as Python does. */
function argumentInList(tree: Tree): string {
  if (tree.kind === 'scalar' && typeof tree.value === 'boolean') return tree.value ? 'True' : 'False';
  return argument(tree);
}

function argument(tree: Tree): string {
  if (tree.kind !== 'scalar') return '';
  return typeof tree.value === 'string' ? shellQuote(tree.value) : pythonText(tree);
}
