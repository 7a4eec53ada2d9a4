import { padColumns } from '../base/display-width.ts';
import { widest } from '../base/text.ts';
import type { Dag } from './mermaid.ts';

/** Deeper graphs are not indented: they would leave the screen. */
const MAX_DEPTH = 12;
/** Longer names do not push the others' sources to the right. */
const MAX_NAME = 48;
/** More sources than this are counted. */
const MAX_SOURCES = 6;

/**
 * The graph as text: one line per stage in the order in which they can run, each with what it reads from; a stage
 * stands deeper than all that it reads from, while the graph is not deeper than 12. `\n` ends every line.
 */
export function formatTree(dag: Dag): string {
  const depth = new Map<string, number>();
  for (const [name, from] of dag) {
    let deepest = -1;
    for (const above of from) deepest = Math.max(deepest, depth.get(above) ?? 0);
    depth.set(name, deepest + 1);
  }
  const indents = [...depth.values()].every((one) => one <= MAX_DEPTH);
  const rows = [...dag].map(([name, from]) => ({
    left: `${'  '.repeat(indents ? (depth.get(name) ?? 0) : 0)}${name}`,
    from,
  }));
  const width = widest(rows, ({ left }) => left);
  return rows
    .map(({ left, from }) =>
      from.length === 0
        ? `${left}\n`
        : `${padColumns(left, Math.min(width, MAX_NAME))}  ← ${formatSources(from)}\n`,
    )
    .join('');
}

function formatSources(from: readonly string[]): string {
  if (from.length <= MAX_SOURCES) return from.join(', ');
  return `${from.slice(0, MAX_SOURCES - 1).join(', ')} and ${from.length - MAX_SOURCES + 1} more`;
}
