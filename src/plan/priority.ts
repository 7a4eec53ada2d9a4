import type { StageName } from '../base/types.ts';
import type { Graph } from './graph.ts';

/** What a stage that never ran is taken to need. */
const UNKNOWN_MS = 1000;

/**
 * The longest path of recorded durations from each stage to the end, itself included (ms): whoever holds up the most
 * starts first.
 */
export function rankStages(
  graph: Graph,
  selected: ReadonlySet<StageName>,
  durations: ReadonlyMap<string, number>,
): ReadonlyMap<StageName, number> {
  const ranks = new Map<StageName, number>();
  for (const name of [...graph.order].reverse()) {
    if (!selected.has(name)) continue;
    let after = 0;
    for (const next of graph.downstream.get(name) ?? []) after = Math.max(after, ranks.get(next) ?? 0);
    ranks.set(name, after + (durations.get(name) ?? UNKNOWN_MS));
  }
  return ranks;
}
