import { EXIT } from '../base/error.ts';
import { fetchArtifacts } from '../execute/fetch.ts';
import type { Project } from '../project.ts';
import { isSet, withProject } from './command.ts';
import type { Command, CommandContext } from './command.ts';
import { lackingError } from './lacking.ts';
import { TRANSFER_FLAGS, loadRemotes, routeArtifacts, withRemote } from './remotes.ts';

const fetch: Command = {
  summary: 'Bring into the cache what pipeline.lock names',
  usage: '[STAGE | PATH …]',
  flags: TRANSFER_FLAGS,
  examples: ['lockstep fetch', 'lockstep fetch data/raw --dry-run'],
  run: (context) =>
    withProject(context, async (project) => {
      using _cache = await project.takeCache('shared');
      return (await fetchAll(context, project)) ? EXIT.ok : EXIT.failed;
    }),
};

export default fetch;

/** Fetches from every remote that is concerned; false when something could not be had. */
export async function fetchAll(context: CommandContext, project: Project): Promise<boolean> {
  const remotes = loadRemotes(context, project.root);
  let complete = true;
  for (const { name, artifacts } of routeArtifacts(context, project, remotes)) {
    await withRemote(context, { root: project.root, remotes, name, clock: project.clock }, async (remote) => {
      const { cache, emit, signal } = project;
      const wanted = artifacts.map((item) => item.artifact);
      const result = await fetchArtifacts({
        cache,
        remote,
        name,
        artifacts: wanted,
        dryRun: isSet(context, 'dry-run'),
        emit,
        signal,
      });
      for (const artifact of result.missing)
        context.emit({ type: 'warned', problem: lackingError(artifact, 'fetch') });
      complete &&= result.missing.length === 0 && result.failures.length === 0;
    });
  }
  return complete;
}
