import { EXIT, PipelineError } from '../base/error.ts';
import { staleData } from '../execute/data.ts';
import { selectStages } from '../plan/select.ts';
import { SELECT_FLAGS, isSet, withProject } from './command.ts';
import type { Command } from './command.ts';
import { printPlan } from './repro.ts';

const status: Command = {
  summary: 'Say what is stale and why, without touching anything',
  usage: '[STAGE …]',
  flags: {
    ...SELECT_FLAGS,
    quiet: { type: 'boolean', short: 'q', help: 'print nothing; exit 1 when something is stale' },
  },
  examples: [
    'lockstep status',
    'lockstep status features --json',
    'lockstep status --quiet || lockstep repro',
  ],
  run: (context) =>
    withProject(context, async (project) => {
      const selection = selectStages(project.graph, {
        targets: context.args,
        downstream: isSet(context, 'downstream'),
        single: isSet(context, 'single'),
        force: false,
      });
      const plan = await project.plan(selection);
      const data = staleData(project);
      if (isSet(context, 'quiet')) {
        const fresh =
          data.length === 0 && plan.judgements.every(({ decision }) => decision.verdict === 'skip');
        return fresh ? EXIT.ok : EXIT.failed;
      }
      const [first, ...rest] = plan.problems;
      if (first) throw PipelineError.of([first, ...rest]);
      for (const input of data)
        if (!context.json)
          context.print(
            `data ${input.path} ${project.facts.observed(input.path).kind === 'missing' ? 'is missing' : 'changed'}\n`,
          );
      printPlan(context, plan);
      return EXIT.ok;
    }),
};

export default status;
