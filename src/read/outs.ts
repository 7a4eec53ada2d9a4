import type { Dep, Out } from '../base/types.ts';
import { readPath } from './paths.ts';
import type { Report } from './report.ts';
import { child, entriesOf, flagOf, itemsOf, type Text, textOf, type Tree } from './tree.ts';

/** The outs of a stage, and whether all that stand there could be read. */
export interface ReadOuts {
  readonly outs: readonly Out[];
  readonly complete: boolean;
}

const OUT_KEYS = ['outs', 'metrics', 'plots'];

/** The outs of a stage: `outs`, then DVC's `metrics` and `plots`. One path told twice in lists merges its flags, as in DVC. */
export function readOuts(body: Tree, wdir: string, report: Report): ReadOuts {
  const trees = OUT_KEYS.map((key) => child(body, key));
  const found = trees.flatMap((tree, i) => [...readOutsOf(tree, OUT_KEYS[i] === 'metrics', wdir, report)]);
  const complete = found.length === trees.reduce((sum, tree) => sum + countItems(tree), 0);
  const outs = new Map<string, Out>();
  for (const out of found) {
    const twin = outs.get(out.path);
    if (twin?.name !== undefined && out.name !== undefined) {
      report.add('outs.twice', `the outs "${twin.name}" and "${out.name}" have the same path "${out.path}"`, {
        at: [out.at, twin.at],
      });
    } else outs.set(out.path, twin ? mergeOuts(twin, out) : out);
  }
  return { outs: [...outs.values()], complete };
}

/** How many outs should stand there; one where nothing of the kind does. */
function countItems(tree: Tree | undefined): number {
  if (tree?.kind === 'map') return tree.entries.size;
  if (tree?.kind !== 'list') return tree ? 1 : 0;
  return tree.items.reduce((sum, item) => sum + (item.kind === 'map' ? item.entries.size : 1), 0);
}

function* readOutsOf(
  tree: Tree | undefined,
  isMetric: boolean,
  wdir: string,
  report: Report,
): Generator<Out> {
  for (const item of itemsOf(tree)) {
    if (item.kind === 'map') {
      for (const { key, keyAt, value } of entriesOf(item)) {
        const path: Tree = { kind: 'scalar', value: key, at: keyAt };
        yield* readOut(path, value, isMetric, wdir, report);
      }
    } else yield* readOut(item, undefined, isMetric, wdir, report);
  }
  for (const { key, keyAt, value } of entriesOf(tree)) {
    const name: Text = { value: key, at: keyAt };
    if (!isName(name, report)) continue;
    const [path, flags] = value.kind === 'map' ? [child(value, 'path'), value] : [value, undefined];
    for (const out of readOut(path, flags, isMetric, wdir, report)) yield { ...out, name: key };
  }
}

function* readOut(
  path: Tree | undefined,
  flags: Tree | undefined,
  isMetric: boolean,
  wdir: string,
  report: Report,
): Generator<Out> {
  const read = readPath(path, { wdir, what: 'out', writes: true }, report);
  if (read === undefined) return;
  const remote = textOf(child(flags, 'remote'))?.value;
  yield {
    path: read.path,
    folder: read.folder,
    cache: flagOf(child(flags, 'cache'), true),
    persist: flagOf(child(flags, 'persist'), false),
    push: flagOf(child(flags, 'push'), true),
    ...(remote !== undefined && { remote }),
    metric: flagOf(child(flags, 'metric'), isMetric),
    at: read.text.at,
  };
}

function mergeOuts(a: Out, b: Out): Out {
  const remote = a.remote ?? b.remote;
  const name = a.name ?? b.name;
  return {
    ...(name !== undefined && { name }),
    path: a.path,
    folder: a.folder || b.folder,
    cache: a.cache && b.cache,
    persist: a.persist || b.persist,
    push: a.push && b.push,
    ...(remote !== undefined && { remote }),
    metric: a.metric || b.metric,
    at: a.at,
  };
}

/** The deps of a stage, each path once. */
export function readDeps(body: Tree, wdir: string, report: Report): readonly Dep[] {
  const tree = child(body, 'deps');
  const deps = new Map<string, Dep>();
  for (const item of itemsOf(tree)) {
    const read = readPath(item, { wdir, what: 'dep' }, report);
    if (read && !deps.has(read.path)) deps.set(read.path, { path: read.path, at: read.text.at });
  }
  for (const { key, keyAt, value } of entriesOf(tree)) {
    if (!isName({ value: key, at: keyAt }, report)) continue;
    const read = readPath(value, { wdir, what: 'dep' }, report);
    // Two names for one path are two ways to it, and a module may use both.
    if (read) deps.set(`${read.path}\0${key}`, { name: key, path: read.path, at: read.text.at });
  }
  return [...deps.values()];
}

/** A name under `deps` or `outs` becomes a property in the module. */
function isName(name: Text, report: Report): boolean {
  if (name.value !== '' && !/[\s\p{Cc}]/u.test(name.value)) return true;
  report.add('pipeline.name', `"${name.value}" is no usable name`, {
    at: name.at,
    hint: 'use letters, digits, "_" and "-"',
  });
  return false;
}
