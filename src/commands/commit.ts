import { EXIT, PipelineError } from '../base/error.ts';
import { pathOfWord } from '../base/path.ts';
import { visible } from '../base/text.ts';
import { commitWorkspace, takenAsTheyAre } from '../execute/accept.ts';
import { refuseParts } from '../execute/parts.ts';
import { syncData } from '../execute/sync-data.ts';
import { refuseTracked } from '../execute/tracked.ts';
import type { Selection } from '../plan/plan.ts';
import type { Project } from '../project.ts';
import { SELECT_FLAGS, printJson, selectionOf, withProject } from './command.ts';
import type { Command, CommandContext } from './command.ts';
import { refuseProblems } from './tell-run.ts';

const commit: Command = {
  summary: 'Record what is in the workspace as the result, without running anything',
  usage: '[STAGE | PATH …]',
  flags: SELECT_FLAGS,
  examples: ['lockstep commit', 'lockstep commit features --single', 'lockstep commit data/holidays.csv'],
  run: (context) =>
    withProject(context, async (project) => {
      const { selection, only } = asked(context, project);
      using _workspace = await project.takeWorkspace();
      using _cache = await project.takeCache('shared');
      const { restorer } = await project.workbench();
      const before = new Set(project.recorder.data());
      await syncData({ ...project, restorer, asItIs: true, ...(only && { only }) }, selection);
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
        const isSame = project.recorder.data().every((input) => before.has(input));
        if (isSame && recorded.length === 0 && problems.length === 0)
          context.print('pipeline.lock already says what is here.\n');
      }
      if (problems.length > 0) throw PipelineError.of(problems, exit);
      return EXIT.ok;
    }),
};

export default commit;

interface Asked {
  readonly selection: Selection;
  /** Absent where all tracked inputs are meant. */
  readonly only?: ReadonlySet<string>;
}

/** Of tracked inputs alone no stage is recorded: its outs were made from what was there before. */
function asked(context: CommandContext, project: Project): Asked {
  const { pipeline, folder } = project;
  const inputs = new Set<string>(pipeline.data.map(({ path }) => path));
  const paths = new Set(context.args.map((word) => pathOfWord(word, folder))).intersection(inputs);
  const stages = context.args.filter((word) => !paths.has(pathOfWord(word, folder)));
  if (paths.size > 0 && stages.length === 0)
    return { selection: { stages: new Set(), forced: new Set() }, only: paths };
  return { selection: selectionOf({ ...context, args: stages }, project) };
}
