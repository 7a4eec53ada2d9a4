import { EXIT } from '../base/error.ts';
import { checkOutAll, tell } from './checkout.ts';
import { isSet, withProject } from './command.ts';
import type { Command } from './command.ts';
import { FETCH_FLAGS, fetchAll } from './fetch.ts';

const pull: Command = {
  summary: 'Fetch what pipeline.lock names and check it out',
  usage: '[STAGE | PATH …]',
  flags: FETCH_FLAGS,
  examples: ['lockstep pull', 'lockstep pull features', 'lockstep pull --dry-run'],
  run: (context) =>
    withProject(context, async (project) => {
      if (isSet(context, 'dry-run')) {
        using _cache = await project.takeCache('shared');
        return (await fetchAll(context, project)).complete ? EXIT.ok : EXIT.failed;
      }
      using _workspace = await project.takeWorkspace();
      using _cache = await project.takeCache('shared');
      const { complete, missing } = await fetchAll(context, project);
      const result = await checkOutAll(context, project);
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
