/** Names in topological order, and who reads from whom. */
export interface Dag {
  readonly nodes: readonly string[];
  readonly edges: readonly { readonly from: string; readonly to: string }[];
}

/** The graph as a Mermaid flowchart (https://mermaid.js.org/syntax/flowchart.html), top down. */
export function formatMermaid({ nodes, edges }: Dag): string {
  const ids = new Map(nodes.map((name, index) => [name, `s${index}`]));
  const label = (name: string): string =>
    name.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('#', '&num;');
  return [
    'flowchart TD\n',
    ...nodes.map((name) => `  ${ids.get(name)}["${label(name)}"]\n`),
    ...edges.map(({ from, to }) => `  ${ids.get(from)} --> ${ids.get(to)}\n`),
  ].join('');
}
