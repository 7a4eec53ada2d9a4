/** Names in topological order, and who reads from whom. */
export interface Dag {
  readonly nodes: readonly string[];
  readonly edges: readonly { readonly from: string; readonly to: string }[];
}

/**
 * The graph as a Mermaid flowchart, top down; `\n` ends every line. What could end or style a label is written as one
 * of Mermaid's entity codes (https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters).
 */
export function formatMermaid({ nodes, edges }: Dag): string {
  const ids = new Map(nodes.map((name, index) => [name, `s${index}`]));
  return [
    'flowchart TD\n',
    ...nodes.map((name) => `  ${ids.get(name)}["${escapeLabel(name)}"]\n`),
    ...edges.map(({ from, to }) => `  ${ids.get(from)} --> ${ids.get(to)}\n`),
  ].join('');
}

function escapeLabel(name: string): string {
  return name.replace(/["#&<>\\`]/g, (char) => `#${char.charCodeAt(0)};`);
}
