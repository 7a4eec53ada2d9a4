/** Name → the names that it reads from, in topological order. */
export type Dag = ReadonlyMap<string, readonly string[]>;

/**
 * The graph as a Mermaid flowchart, top down; `\n` ends every line. What could end or style a label is written as one
 * of Mermaid's entity codes (https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters).
 */
export function formatMermaid(dag: Dag): string {
  const names = [...dag.keys()];
  const ids = new Map(names.map((name, index) => [name, `s${index}`]));
  return [
    'flowchart TD\n',
    ...names.map((name) => `  ${ids.get(name)}["${escapeLabel(name)}"]\n`),
    ...names.flatMap((to) => (dag.get(to) ?? []).map((from) => `  ${ids.get(from)} --> ${ids.get(to)}\n`)),
  ].join('');
}

function escapeLabel(name: string): string {
  return name.replace(/["#&<>\\`]/g, (char) => `#${char.charCodeAt(0)};`);
}
