import { EXIT, PipelineError } from '../base/error.ts';
import { checkout as checkOut } from '../execute/checkout.ts';
import type { CheckoutResult } from '../execute/checkout.ts';
import { ignorePaths } from '../record/gitignore.ts';
import type { Project } from '../project.ts';
import { withProject } from './command.ts';
import type { Command, CommandContext } from './command.ts';
import { pathsOf } from './remotes.ts';

const checkout: Command = {
  summary: 'Make the workspace equal to pipeline.lock',
  usage: '[STAGE | PATH …]',
  flags: {},
  examples: ['lockstep checkout', 'git checkout main && lockstep checkout'],
  run: (context) =>
    withProject(context, async (project) => {
      using _workspace = await project.takeWorkspace();
      using _cache = await project.takeCache('shared');
      return tell(context, await checkOutAll(context, project));
    }),
};

export default checkout;

export async function checkOutAll(context: CommandContext, project: Project): Promise<CheckoutResult> {
  const { pipeline, facts, cache, recorder, restorer, root } = project;
  const only = pathsOf(context, project);
  const result = await checkOut({ pipeline, facts, cache, recorder, restorer, ...(only && { only }) });
  const cached = pipeline.stages.flatMap((stage) =>
    stage.outs.filter((out) => out.cache).map((out) => out.path),
  );
  const ours = new Set<string>([...cached, ...pipeline.data.map((input) => input.path)]);
  ignorePaths(
    root,
    result.made.map((artifact) => artifact.path).filter((path) => ours.has(path)),
  );
  return result;
}

/** Says what was made; throws what could not be, after the rest is in place. */
export function tell(context: CommandContext, { made, unchanged, missing }: CheckoutResult): typeof EXIT.ok {
  if (context.json)
    context.print(
      `${JSON.stringify({ type: 'checked-out', made: made.map((one) => one.path), unchanged })}\n`,
    );
  else {
    for (const artifact of made) context.print(`checked out ${artifact.path}\n`);
    if (made.length === 0 && missing.length === 0) context.print('The workspace is as pipeline.lock says.\n');
  }
  const [first, ...rest] = missing;
  if (first) throw PipelineError.of([first, ...rest], EXIT.failed);
  return EXIT.ok;
}
