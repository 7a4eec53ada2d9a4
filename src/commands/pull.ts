import { EXIT } from '../base/error.ts';
import { checkout } from '../execute/checkout.ts';
import { forgetIncomplete } from '../execute/incomplete.ts';
import { tell } from './checkout.ts';
import { isSet, withProject } from './command.ts';
import type { Command } from './command.ts';
import { FETCH_FLAGS, fetchAll } from './fetch.ts';
import { placeParts } from './pull-parts.ts';
import { findTargets } from './pull-targets.ts';

const pull: Command = {
  summary: 'Fetch what pipeline.lock names and check it out',
  usage: '[STAGE | PATH | GLOB …]',
  flags: FETCH_FLAGS,
  examples: ['lockstep pull', 'lockstep pull --for features', "lockstep pull 'data/raw/1*.csv'"],
  run: (context) =>
    withProject(context, async (project) => {
      const targets = await findTargets(context, project);
      if (isSet(context, 'dry-run')) {
        using _cache = await project.takeCache('shared');
        return (await fetchAll(context, project, targets)).complete ? EXIT.ok : EXIT.failed;
      }
      using _workspace = await project.takeWorkspace();
      using _cache = await project.takeCache('shared');
      const { complete, missing, parts } = await fetchAll(context, project, targets);
      await placeParts(context, project, parts);
      // The folders around them are no longer as they were seen.
      if (parts.length > 0) project.facts.forget();
      const { whole } = targets;
      if (whole?.size === 0 && targets.parts.size > 0) return complete ? EXIT.ok : EXIT.failed;
      const { pipeline, facts, cache, recorder } = project;
      const { restorer } = await project.workbench();
      const result = await checkout({
        pipeline,
        facts,
        cache,
        recorder,
        restorer,
        ...(whole && { only: whole }),
      });
      for (const { path } of result.made) forgetIncomplete(project.root, path);
      // What could not be fetched has been told already.
      tell(
        context,
        {
          ...result,
          missing: result.missing.filter(({ path }) => !missing.has(path)),
        },
        complete,
      );
      return complete ? EXIT.ok : EXIT.failed;
    }),
};

export default pull;
