import type { Dep, Out } from '../base/types.ts';
import { readPath } from './paths.ts';
import type { Report } from './report.ts';
import { child, entriesOf, flagOf, itemsOf, type Text, textOf, type Tree } from './tree.ts';

/** The outs of a stage, and whether all that stand there could be read. */
export interface ReadOuts {
  readonly outs: readonly Out[];
  readonly complete: boolean;
}

/** The outs of a stage: `outs`, then DVC's `metrics` and `plots`. One path told twice in lists merges its flags, as in DVC. */
export function readOuts(body: Tree, wdir: string, report: Report): ReadOuts {
  const outs = new Map<string, Out>();
  let complete = true;
  for (const key of ['outs', 'metrics', 'plots']) {
    const tree = child(body, key);
    if (tree?.kind === 'scalar') complete = false;
    for (const written of writtenIn(tree)) {
      const out = readOut(written, { wdir, isMetric: key === 'metrics' }, report);
      const twin = out && outs.get(out.path);
      if (out === undefined) complete = false;
      else if (twin?.name !== undefined && out.name !== undefined)
        report.add(
          'outs.twice',
          `the outs "${twin.name}" and "${out.name}" have the same path "${out.path}"`,
          {
            at: [out.at, twin.at],
          },
        );
      else outs.set(out.path, twin ? mergeOuts(twin, out) : out);
    }
  }
  return { outs: [...outs.values()], complete };
}

/** An out as it stands in a list, or in a map, where it has a name. */
interface Written {
  readonly name?: Text;
  readonly path: Tree | undefined;
  readonly flags?: Tree;
}

function writtenIn(tree: Tree | undefined): readonly Written[] {
  const listed = itemsOf(tree).flatMap((item): readonly Written[] => {
    if (item.kind !== 'map') return [{ path: item }];
    return entriesOf(item).map(({ key, keyAt, value }) => ({
      path: { kind: 'scalar', value: key, at: keyAt },
      flags: value,
    }));
  });
  const named = entriesOf(tree).map(({ key, keyAt, value }): Written => {
    const name = { value: key, at: keyAt };
    return value.kind === 'map' ? { name, path: child(value, 'path'), flags: value } : { name, path: value };
  });
  return [...listed, ...named];
}

function readOut(
  { name, path, flags }: Written,
  { wdir, isMetric }: { readonly wdir: string; readonly isMetric: boolean },
  report: Report,
): Out | undefined {
  if (name && !isName(name, report)) return undefined;
  const read = readPath(path, { wdir, what: 'out', writes: true }, report);
  if (read === undefined) return undefined;
  const remote = textOf(child(flags, 'remote'))?.value;
  return {
    path: read.path,
    folder: read.folder,
    cache: flagOf(child(flags, 'cache'), true),
    persist: flagOf(child(flags, 'persist'), false),
    push: flagOf(child(flags, 'push'), true),
    ...(remote !== undefined && { remote }),
    metric: flagOf(child(flags, 'metric'), isMetric),
    at: read.text.at,
    ...(name && { name: name.value }),
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
