import { EXIT } from '../base/error.ts';
import { visible } from '../base/text.ts';
import { checkout, lockedArtifacts } from '../execute/checkout.ts';
import type { CheckoutResult } from '../execute/checkout.ts';
import { tell } from './checkout.ts';
import type { Project } from '../project.ts';
import { isSet, printJson, textFlag, withProject } from './command.ts';
import type { Command, CommandContext } from './command.ts';
import { FETCH_FLAGS, fetchAll, fetchTargets } from './fetch.ts';
import { keeperOf, keptFault, keptItems } from './kept.ts';
import { placeParts } from './pull-parts.ts';
import { findTargets } from './pull-targets.ts';

const pull: Command = {
  summary: 'Fetch what pipeline.lock names and check it out',
  usage: '[STAGE | PATH | GLOB …]',
  flags: FETCH_FLAGS,
  examples: ['lockstep pull', 'lockstep pull --for features', "lockstep pull 'data/raw/1*.csv'"],
  run: (context) =>
    withProject(context, async (project) => {
      if (isSet(context, 'dry-run')) return fetchTargets(context, project);
      const targets = await findTargets(context, project);
      using _workspace = await project.takeWorkspace();
      using _cache = await project.takeCache('shared');
      const { exit, missing, parts } = await fetchAll(context, project, targets);
      await placeParts(context, project, parts);
      // The folders around them are no longer as they were seen.
      if (parts.length > 0) project.facts.forget();
      const { whole } = targets;
      if (whole?.size === 0 && targets.parts.size > 0) return exit;
      const { restorer } = await project.workbench();
      const result = await checkout({ ...project, restorer, ...(whole && { only: whole }) });
      // What could not be fetched has been told already.
      const untold = result.missing.filter(({ path }) => !missing.has(path));
      const others = tellKept(context, project, { untold, asked: whole !== undefined });
      tell(context, { ...result, missing: others }, exit === EXIT.ok);
      return exit;
    }),
};

/**
 * Of what is not here, says what cannot be, because it is kept from the remote: no failure, but where it was asked for
 * (`asked`). Returns what else is missing.
 */
function tellKept(
  context: CommandContext,
  { pipeline, recorder }: Project,
  { untold, asked }: { readonly untold: CheckoutResult['missing']; readonly asked: boolean },
): CheckoutResult['missing'] {
  const kept = keptItems(lockedArtifacts(pipeline, recorder), textFlag(context, 'remote'));
  const others: CheckoutResult['missing'][number][] = [];
  for (const one of untold) {
    const item = kept.get(one.path);
    if (!item) others.push(one);
    else if (asked) others.push({ path: one.path, problems: keptFault(item, one.path, 'fetched').problems });
    else if (context.json) printJson(context, { type: 'kept', path: one.path, remote: item.remote });
    else context.print(`${visible(one.path)} is not here: it is kept to ${keeperOf(item)}\n`);
  }
  return others;
}

export default pull;
