import type { Dag } from './mermaid.ts';

/**
 * The graph as text: one line per stage in the order in which they can run, each with what it reads from; stages that
 * nothing reads from are marked.
 */
export function formatTree({ nodes, edges }: Dag): string {
  const upstream = new Map<string, string[]>(nodes.map((name) => [name, []]));
  const read = new Set<string>();
  for (const { from, to } of edges) {
    upstream.get(to)?.push(from);
    read.add(from);
  }
  const depth = new Map<string, number>();
  for (const name of nodes)
    depth.set(name, Math.max(-1, ...(upstream.get(name) ?? []).map((above) => depth.get(above) ?? 0)) + 1);
  const rows = nodes.map((name) => ({
    left: `${'  '.repeat(depth.get(name) ?? 0)}${name}`,
    from: upstream.get(name) ?? [],
  }));
  const width = Math.max(0, ...rows.map((row) => row.left.length));
  return rows
    .map(({ left, from }) =>
      from.length === 0 ? `${left}\n` : `${left.padEnd(width)}  ← ${from.join(', ')}\n`,
    )
    .join('');
}
