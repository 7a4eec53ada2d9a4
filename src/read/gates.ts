import { byCodeUnit, joinRelative } from '../base/path.ts';
import { didYouMean } from '../base/text.ts';
import type { Gate } from '../base/types.ts';
import type { ReadOuts } from './outs.ts';
import type { Report } from './report.ts';
import { child, entriesOf, numberOf, toJson, type Tree } from './tree.ts';

/**
 * `gates:` of a stage, each naming one of its outs by name or path. Problems: `gates.unknown-out`, `gates.not-a-metric`,
 * `gates.folder`, `gates.bounds`.
 */
export function readGates(
  tree: Tree | undefined,
  { outs, complete }: ReadOuts,
  wdir: string,
  report: Report,
): readonly Gate[] {
  const gates: Gate[] = [];
  for (const { key, keyAt, value } of entriesOf(tree)) {
    const out =
      outs.find((one) => one.name === key) ?? outs.find((one) => one.path === joinRelative(wdir, key));
    if (out === undefined) {
      if (!complete) continue;
      const names = outs.map((one) => one.name ?? one.path).sort(byCodeUnit);
      report.add('gates.unknown-out', `a gate names "${key}", which is no out of this stage`, {
        at: keyAt,
        hint: didYouMean(key, names),
      });
      continue;
    }
    if (out.folder) {
      report.add('gates.folder', `a gate needs a file, and the out "${key}" is a folder`, {
        at: [keyAt, out.at],
      });
      continue;
    }
    if (!out.metric) {
      report.add('gates.not-a-metric', `a gate reads metrics, and the out "${key}" is none`, {
        at: [keyAt, out.at],
        hint: 'give the out "metric: true"',
      });
      continue;
    }
    for (const bound of entriesOf(value)) {
      const min = numberOf(child(bound.value, 'min'));
      const max = numberOf(child(bound.value, 'max'));
      const equals = child(bound.value, 'equals');
      if (min !== undefined && max !== undefined && min > max) {
        report.add('gates.bounds', `no number is at least ${min} and at most ${max}`, { at: bound.keyAt });
      }
      if (equals && (min !== undefined || max !== undefined)) {
        report.add('gates.bounds', `"equals" leaves nothing for "min" and "max" to say`, { at: bound.keyAt });
      }
      gates.push({
        out: out.path,
        key: bound.key,
        ...(min !== undefined && { min }),
        ...(max !== undefined && { max }),
        ...(equals && { equals: toJson(equals) }),
        at: bound.keyAt,
      });
    }
  }
  return gates;
}
