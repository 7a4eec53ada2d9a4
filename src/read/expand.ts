import type { Location } from '../base/types.ts';
import { suggest } from '../base/text.ts';
import { pythonText } from './python-text.ts';
import type { Report } from './report.ts';
import type { Scope } from './scope.ts';
import { hasBlank } from './stage-name.ts';
import { interpolate, interpolateText } from './template.ts';
import { child, type Entry, type MapTree, type Tree, typeWords } from './tree.ts';

/** One stage after `foreach` and `matrix`, its templates replaced. */
export interface Instance {
  readonly name: string;
  readonly at: Location;
  /** The value that makes the instance, where it is written in the same file. */
  readonly valueAt?: Location;
  /** What a matrix joins to the name. */
  readonly values?: readonly string[];
  readonly body: Tree;
}

/** More instances than this from one stage are taken for a mistake in a `matrix`. */
const MAX_INSTANCES = 10_000;

/**
 * Expands every stage into its instances, named as DVC names them: `stage@value` for a list of scalars, `stage@0` when
 * any item is a map or a list, `stage@key` for a map, `stage@v1-v2` for a matrix (composite values as `<var><index>`).
 * `item` and `key`, which is what follows the `@`, are known inside. Problems: `stage.foreach`, `stage.matrix`, `stage.duplicate`, `template.*`.
 */
export function expandStages(stages: MapTree, scope: Scope, report: Report): readonly Instance[] {
  const instances: Instance[] = [];
  const first = new Map<string, Instance>();
  for (const entry of stages.entries.values()) {
    for (const instance of expandStage(entry, scope, report)) {
      const { valueAt = instance.at } = instance;
      const twin = first.get(instance.name);
      if (twin) {
        const twinAt = twin.valueAt ?? twin.at;
        report.add('stage.duplicate', `two instances are called "${instance.name}"`, {
          at: valueAt === twinAt ? valueAt : [valueAt, twinAt],
          hint: isSame(instance.values, twin.values) ? 'remove the repeated value' : VALUES_MEET,
        });
        continue;
      }
      if (hasBlank(instance.name) && !hasBlank(entry.key)) {
        report.add('stage.name', `the name "${instance.name}" contains blanks or control characters`, {
          at: valueAt,
          hint: 'make the values of "foreach" and "matrix" plain words, or use a map: its keys become the names',
        });
      }
      first.set(instance.name, instance);
      instances.push(instance);
    }
  }
  return instances;
}

const VALUES_MEET =
  'values are joined by "-": write one of those that meet as a map, { v: BRK }, which is named by its place, and use its v';

function isSame(values: readonly string[] = [], others: readonly string[] = []): boolean {
  return values.every((value, i) => value === others[i]);
}

function expandStage(entry: Entry, scope: Scope, report: Report): readonly Instance[] {
  const { key: name, keyAt: at, value: body } = entry;
  if (body.kind !== 'map') return [{ name, at, body }];
  if (body.entries.has('foreach') || body.entries.has('do'))
    return expandForeach(name, body, at, scope, report);
  if (body.entries.has('matrix')) return expandMatrix(name, body, at, scope, report);
  return [{ name, at, body: interpolate(body, scope, report, 'stage') }];
}

function expandForeach(
  name: string,
  body: MapTree,
  at: Location,
  scope: Scope,
  report: Report,
): readonly Instance[] {
  let isMisspelt = false;
  for (const { key, keyAt } of body.entries.has('do') ? body.entries.values() : []) {
    if (key === 'foreach' || key === 'do') continue;
    const near = suggest(key, ['foreach', 'do']);
    isMisspelt ||= near === 'foreach';
    report.add('stage.foreach', `"${key}" cannot stand beside "foreach" in stage "${name}"`, {
      at: keyAt,
      hint: near === undefined ? 'move it below "do"' : `did you mean "${near}"?`,
    });
  }
  const over = child(body, 'foreach');
  const template = child(body, 'do');
  if (over === undefined || template === undefined) {
    if (isMisspelt) return [];
    const [has, lacks] = over ? ['foreach', 'do'] : ['do', 'foreach'];
    report.add('stage.foreach', `stage "${name}" has "${has}" but no "${lacks}"`, {
      at,
      hint: over ? 'move the other keys of the stage below "do:"' : undefined,
    });
    return [];
  }
  if (template.kind === 'map' && (template.entries.has('foreach') || template.entries.has('matrix'))) {
    const key = template.entries.get('foreach') ?? template.entries.get('matrix');
    report.add('stage.foreach', `"${key?.key}" cannot stand inside "do"`, {
      at: key?.keyAt ?? at,
      hint: 'use "matrix" alone for several values',
    });
    return [];
  }
  const values = resolveValues(over, scope, report);
  if (values === undefined) return [];
  if (values.kind === 'scalar') {
    report.add(
      'stage.foreach',
      `"foreach" in stage "${name}": expected a list or a map, got ${typeWords(values)}`,
      { at: over.at },
    );
    return [];
  }
  const items =
    values.kind === 'map'
      ? Array.from(values.entries.values(), (one) => ({ suffix: one.key, item: one.value }))
      : listItems(values.items);
  return items.map(({ suffix, item }) => {
    const key: Tree = { kind: 'scalar', value: suffix, at: item.at };
    const inner = scope.with({ item, key });
    const valueAt = item.at.file === at.file ? item.at : at;
    return { name: `${name}@${suffix}`, at, valueAt, body: interpolate(template, inner, report, 'stage') };
  });
}

function listItems(items: readonly Tree[]): { suffix: string; item: Tree }[] {
  const composite = items.some((item) => item.kind !== 'scalar');
  return items.map((item, i) => ({
    suffix: composite || item.kind !== 'scalar' ? String(i) : pythonText(item),
    item,
  }));
}

function expandMatrix(
  name: string,
  body: MapTree,
  at: Location,
  scope: Scope,
  report: Report,
): readonly Instance[] {
  const matrix = child(body, 'matrix');
  if (matrix?.kind !== 'map' || matrix.entries.size === 0) {
    const got = matrix?.kind === 'map' ? 'an empty one' : matrix ? typeWords(matrix) : 'nothing';
    report.add('stage.matrix', `"matrix" in stage "${name}": expected a map of lists, got ${got}`, {
      at: matrix?.at ?? at,
    });
    return [];
  }
  let rows: { suffix: string[]; values: Map<string, Entry> }[] = [{ suffix: [], values: new Map() }];
  for (const axis of matrix.entries.values()) {
    const list = resolveValues(axis.value, scope, report);
    if (list === undefined) return [];
    if (list.kind !== 'list') {
      report.add(
        'stage.matrix',
        `"matrix.${axis.key}" in stage "${name}": expected a list, got ${typeWords(list)}`,
        { at: axis.value.at },
      );
      return [];
    }
    if (rows.length * list.items.length > MAX_INSTANCES) {
      report.add('stage.matrix', `the matrix of stage "${name}" gives more than ${MAX_INSTANCES} stages`, {
        at: axis.keyAt,
      });
      return [];
    }
    rows = rows.flatMap(({ suffix, values }) =>
      list.items.flatMap((value, i) =>
        isBroken(value)
          ? []
          : {
              suffix: [...suffix, value.kind === 'scalar' ? pythonText(value) : `${axis.key}${i}`],
              values: new Map(values).set(axis.key, { ...axis, value }),
            },
      ),
    );
  }
  const template: MapTree = {
    ...body,
    entries: new Map([...body.entries].filter(([key]) => key !== 'matrix')),
  };
  return rows.map(({ suffix, values }) => {
    const text = suffix.join('-');
    const item: Tree = { kind: 'map', entries: values, at: matrix.at };
    const inner = scope.with({ item, key: { kind: 'scalar', value: text, at: matrix.at } });
    return {
      name: `${name}@${text}`,
      at,
      values: suffix,
      body: interpolate(template, inner, report, 'stage'),
    };
  });
}

function isBroken(tree: Tree): boolean {
  return tree.kind === 'scalar' && tree.broken === true;
}

/** The values of a `foreach` or of one variable of a `matrix`: written there, or one template naming them. */
function resolveValues(tree: Tree, scope: Scope, report: Report): Tree | undefined {
  if (tree.kind !== 'scalar') return interpolate(tree, scope, report);
  const found = interpolateText(tree, scope, report, 'values');
  return isBroken(found) ? undefined : found;
}
