import { EXIT } from '../base/error.ts';
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
      const shown = new Map(
        graph.order
          .filter((name) => stages.has(name))
          .map((name) => [name, (graph.upstream.get(name) ?? []).filter((from) => stages.has(from))]),
      );
      if (context.json) for (const [stage, upstream] of shown) printJson(context, { stage, upstream });
      else context.print(isSet(context, 'mermaid') ? formatMermaid(shown) : formatTree(shown));
      return Promise.resolve(EXIT.ok);
    }),
};

export default dag;
