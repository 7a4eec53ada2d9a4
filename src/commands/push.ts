import { push as pushObjects } from '../transfer/push.ts';
import { isSet, jobsOf, textFlag, withProject } from './command.ts';
import type { Command } from './command.ts';
import { refuseKept } from './kept.ts';
import { lackingHere } from './lacking.ts';
import { TRANSFER_FLAGS } from './remotes.ts';
import { eachRemote, exitOf } from './routes.ts';

const push: Command = {
  summary: 'Send to a remote what pipeline.lock names and the remote lacks',
  usage: '[STAGE | PATH …]',
  flags: {
    ...TRANSFER_FLAGS,
    'run-cache': { type: 'boolean', help: 'also past results; who shares a run cache trusts who writes it' },
  },
  examples: ['lockstep push', 'lockstep push features --remote backup', 'lockstep push --dry-run'],
  run: (context) =>
    withProject(context, async (project) => {
      const { cache, emit, signal } = project;
      const dryRun = isSet(context, 'dry-run');
      const runCache = isSet(context, 'run-cache');
      using _cache = await project.takeCache('shared');
      const results = runCache ? project.runs.list().map((entry) => entry.result) : [];
      let complete = true;
      const asked = textFlag(context, 'remote');
      refuseKept(context.args, project, { asked, moved: 'pushed' });
      const routing = { asked, runCache, jobs: jobsOf(context) };
      const failures = await eachRemote(
        context,
        project,
        routing,
        async (remote, { name, artifacts, takes }) => {
          const result = await pushObjects({
            cache,
            remote,
            name,
            artifacts: artifacts.map((item) => item.artifact),
            results: results.filter(takes),
            dryRun,
            emit,
            signal,
          });
          const inGit = new Set(artifacts.filter((item) => item.inGit).map((item) => item.artifact));
          const lost = result.missing.filter((artifact) => !inGit.has(artifact));
          for (const artifact of lost)
            emit({ type: 'warned', problem: lackingHere(artifact, project.folder) });
          complete &&= lost.length === 0 && result.failures.length === 0;
        },
      );
      return exitOf(failures, complete);
    }),
};

export default push;
