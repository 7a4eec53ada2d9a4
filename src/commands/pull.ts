import { EXIT } from '../base/error.ts';
import { checkOutAll, tell } from './checkout.ts';
import { isSet, withProject } from './command.ts';
import type { Command } from './command.ts';
import { fetchAll } from './fetch.ts';
import { TRANSFER_FLAGS } from './remotes.ts';

const pull: Command = {
  summary: 'Fetch what pipeline.lock names and check it out',
  usage: '[STAGE | PATH …]',
  flags: TRANSFER_FLAGS,
  examples: ['lockstep pull', 'lockstep pull features', 'lockstep pull --dry-run'],
  run: (context) =>
    withProject(context, async (project) => {
      if (isSet(context, 'dry-run')) {
        using _cache = await project.takeCache('shared');
        return (await fetchAll(context, project)) ? EXIT.ok : EXIT.failed;
      }
      using _workspace = await project.takeWorkspace();
      using _cache = await project.takeCache('shared');
      const complete = await fetchAll(context, project);
      tell(context, await checkOutAll(context, project));
      return complete ? EXIT.ok : EXIT.failed;
    }),
};

export default pull;
