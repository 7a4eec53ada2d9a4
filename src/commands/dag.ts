import { EXIT } from '../base/error.ts';
import type { StageName } from '../base/types.ts';
import { formatMermaid } from '../exporters/mermaid.ts';
import { formatTree } from '../exporters/text-tree.ts';
import { SELECT_FLAGS, isSet, printJson, selectionOf, withProject } from './command.ts';
import type { Command } from './command.ts';

const dag: Command = {
  summary: 'Show which stage reads from which',
  usage: '[STAGE …]',
  flags: {
    ...SELECT_FLAGS,
    mermaid: { type: 'boolean', help: 'as a Mermaid flowchart, which Markdown pages can show' },
  },
  examples: ['lockstep dag', 'lockstep dag features', 'lockstep dag --mermaid > dag.mmd'],
  run: (context) =>
    withProject(context, (project) => {
      const { graph } = project;
      const { stages } = selectionOf(context, project);
      const nodes = graph.order.filter((name) => stages.has(name));
      const edges = nodes.flatMap((to) =>
        (graph.upstream.get(to) ?? []).filter((from) => stages.has(from)).map((from) => ({ from, to })),
      );
      if (context.json)
        for (const name of nodes) printJson(context, { stage: name, upstream: upstreamOf(name, edges) });
      else
        context.print(
          isSet(context, 'mermaid') ? formatMermaid({ nodes, edges }) : formatTree({ nodes, edges }),
        );
      return Promise.resolve(EXIT.ok);
    }),
};

export default dag;

function upstreamOf(
  name: StageName,
  edges: readonly { from: StageName; to: StageName }[],
): readonly StageName[] {
  return edges.filter((edge) => edge.to === name).map((edge) => edge.from);
}
