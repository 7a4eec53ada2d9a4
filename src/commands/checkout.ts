import { EXIT, PipelineError } from '../base/error.ts';
import { visible } from '../base/text.ts';
import { checkout as checkOut, findDiffering, wantedArtifacts } from '../execute/checkout.ts';
import type { CheckoutOptions, CheckoutResult } from '../execute/checkout.ts';
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
      const only = pathsOf(context.args, project);
      const asked = { ...project, ...(only && { only }) };
      tell(context, (await findNothingToDo(asked)) ?? (await checkOutAll(asked)));
      return EXIT.ok;
    }),
};

export default checkout;

/** A project, and what the command's arguments mean of it. */
type Asked = Project & Pick<CheckoutOptions, 'only'>;

/** Who finds all in place needs no workspace, and nothing that changes it. */
async function findNothingToDo(asked: Asked): Promise<CheckoutResult | undefined> {
  const wanted = wantedArtifacts(asked);
  const differing = await findDiffering(wanted, asked);
  return differing.length === 0 && !asked.needsRecovery()
    ? { made: [], unchanged: wanted.length, missing: [] }
    : undefined;
}

async function checkOutAll(asked: Asked): Promise<CheckoutResult> {
  using _workspace = await asked.takeWorkspace();
  using _cache = await asked.takeCache('shared');
  const { restorer } = await asked.workbench();
  // Not before it is done are they given back.
  return await checkOut({ ...asked, restorer });
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
