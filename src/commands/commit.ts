import { EXIT, PipelineError } from '../base/error.ts';
import { visible } from '../base/text.ts';
import { commitWorkspace, takenAsTheyAre } from '../execute/accept.ts';
import { refuseParts } from '../execute/parts.ts';
import { syncData } from '../execute/sync-data.ts';
import { refuseTracked } from '../execute/tracked.ts';
import { SELECT_FLAGS, printJson, selectionOf, withProject } from './command.ts';
import type { Command } from './command.ts';
import { refuseProblems } from './tell-run.ts';

const commit: Command = {
  summary: 'Record what is in the workspace as the result, without running anything',
  usage: '[STAGE …]',
  flags: SELECT_FLAGS,
  examples: ['lockstep commit', 'lockstep commit features --single'],
  run: (context) =>
    withProject(context, async (project) => {
      const selection = selectionOf(context, project);
      using _workspace = await project.takeWorkspace();
      using _cache = await project.takeCache('shared');
      const { restorer } = await project.workbench();
      await syncData({ ...project, restorer, asItIs: true }, selection);
      const plan = await project.plan(selection, takenAsTheyAre(project.facts));
      refuseProblems(plan);
      refuseTracked({ ...project, plan });
      await refuseParts({ ...project, plan });
      const { recorded, problems, exit } = await commitWorkspace(project, selection);
      // Before it is said: behind another stage's problem a lock that cannot be written would not be told.
      await project.recorder.flush();
      if (context.json) printJson(context, { type: 'committed', stages: recorded });
      else {
        for (const name of recorded) context.print(`recorded ${visible(name)}\n`);
        if (recorded.length === 0 && problems.length === 0)
          context.print('pipeline.lock already says what is here.\n');
      }
      if (problems.length > 0) throw PipelineError.of(problems, exit);
      return EXIT.ok;
    }),
};

export default commit;
