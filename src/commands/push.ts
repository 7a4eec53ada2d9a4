import { EXIT } from '../base/error.ts';
import { push as pushObjects } from '../execute/push.ts';
import { isSet, withProject } from './command.ts';
import type { Command } from './command.ts';
import { TRANSFER_FLAGS, loadRemotes, routeArtifacts, withRemote } from './remotes.ts';
import { lackingError } from './lacking.ts';

const push: Command = {
  summary: 'Send to a remote what pipeline.lock names and the remote lacks',
  usage: '[STAGE | PATH …]',
  flags: {
    ...TRANSFER_FLAGS,
    'run-cache': { type: 'boolean', help: 'send past results too; a shared run cache is a trust boundary' },
  },
  examples: ['lockstep push', 'lockstep push features --remote backup', 'lockstep push --dry-run'],
  run: (context) =>
    withProject(context, async (project) => {
      const remotes = loadRemotes(context, project.root);
      using _cache = await project.takeCache('shared');
      let complete = true;
      const results = isSet(context, 'run-cache') ? project.runs.list().map((entry) => entry.result) : [];
      for (const { name, artifacts } of routeArtifacts(context, project, remotes)) {
        await withRemote(
          context,
          { root: project.root, remotes, name, clock: project.clock },
          async (remote) => {
            const { cache, emit, signal } = project;
            const wanted = artifacts.map((item) => item.artifact);
            const result = await pushObjects({
              cache,
              remote,
              name,
              artifacts: wanted,
              results,
              dryRun: isSet(context, 'dry-run'),
              emit,
              signal,
            });
            if (result.failures[0]) throw result.failures[0];
            for (const artifact of result.missing)
              context.emit({ type: 'warned', problem: lackingError(artifact, 'push') });
            complete &&= result.missing.length === 0;
          },
        );
      }
      return complete ? EXIT.ok : EXIT.failed;
    }),
};

export default push;
