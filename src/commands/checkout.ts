import { EXIT, PipelineError } from '../base/error.ts';
import { visible } from '../base/text.ts';
import { checkout as checkOut, findDiffering, wantedArtifacts } from '../execute/checkout.ts';
import type { CheckoutResult } from '../execute/checkout.ts';
import type { Project } from '../project.ts';
import { printJson, withProject } from './command.ts';
import type { Command, CommandContext } from './command.ts';
import { pathsOf } from './routes.ts';

const checkout: Command = {
  summary: 'Make the workspace equal to pipeline.lock',
  usage: '[STAGE | PATH …]',
  flags: {},
  examples: ['lockstep checkout', 'lockstep checkout features', 'git checkout main && lockstep checkout'],
  run: (context) =>
    withProject(context, async (project) => {
      tell(context, (await findNothingToDo(context, project)) ?? (await checkOutAll(context, project)));
      return EXIT.ok;
    }),
};

export default checkout;

/** Who finds all in place needs no workspace, and nothing that changes it. */
async function findNothingToDo(
  context: CommandContext,
  project: Project,
): Promise<CheckoutResult | undefined> {
  const only = pathsOf(context.args, project);
  const wanted = wantedArtifacts({ ...project, ...(only && { only }) });
  const differing = await findDiffering(wanted, project);
  return differing.length === 0 && !project.needsRecovery()
    ? { made: [], unchanged: wanted.length, missing: [] }
    : undefined;
}

/** Checks out what the command's arguments mean. */
async function checkOutAll(context: CommandContext, project: Project): Promise<CheckoutResult> {
  using _workspace = await project.takeWorkspace();
  using _cache = await project.takeCache('shared');
  const { root, pipeline, facts, cache, recorder } = project;
  const { restorer } = await project.workbench();
  const only = pathsOf(context.args, project);
  return checkOut({ root, pipeline, facts, cache, recorder, restorer, ...(only && { only }) });
}

/** Says what was made; throws what could not be, after the rest is in place. */
export function tell(
  context: CommandContext,
  { made, unchanged, missing }: CheckoutResult,
  complete = true,
): void {
  if (context.json) printJson(context, { type: 'checked-out', made: made.map((one) => one.path), unchanged });
  else {
    for (const artifact of made) context.print(`checked out ${visible(artifact.path)}\n`);
    if (complete && made.length === 0 && missing.length === 0)
      context.print('The workspace is as pipeline.lock says.\n');
  }
  const problems = missing.flatMap((one) => one.problems);
  if (problems.length > 0) throw PipelineError.of(problems, EXIT.failed);
}
