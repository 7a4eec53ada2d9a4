import { EXIT } from '../base/error.ts';
import type { RelPath } from '../base/types.ts';
import { hasArtifact } from '../execute/facts.ts';
import { fetchArtifacts } from '../execute/fetch.ts';
import { fetchResults, listEntries } from '../execute/fetch-results.ts';
import type { Project } from '../project.ts';
import { isSet, textFlag, withProject } from './command.ts';
import type { Command, CommandContext, Flag } from './command.ts';
import { lackingProblem } from './lacking.ts';
import { TRANSFER_FLAGS } from './remotes.ts';
import { eachRemote } from './routes.ts';

/** Flags of the commands that bring bytes here. */
export const FETCH_FLAGS: Readonly<Record<string, Flag>> = {
  ...TRANSFER_FLAGS,
  'run-cache': {
    type: 'boolean',
    help: 'also past results, so that repro can restore them; take them only from whom you trust',
  },
};

const fetch: Command = {
  summary: 'Bring into the cache what pipeline.lock names',
  usage: '[STAGE | PATH …]',
  flags: FETCH_FLAGS,
  examples: ['lockstep fetch', 'lockstep fetch data/raw --dry-run', 'lockstep fetch --run-cache'],
  run: (context) =>
    withProject(context, async (project) => {
      using _cache = await project.takeCache('shared');
      return (await fetchAll(context, project)).complete ? EXIT.ok : EXIT.failed;
    }),
};

export default fetch;

export interface Fetched {
  /** False when something could not be had. */
  readonly complete: boolean;
  /** Paths whose artifacts are not whole here; each has been told. */
  readonly missing: ReadonlySet<RelPath>;
}

/** Fetches from every remote that is concerned. */
export async function fetchAll(context: CommandContext, project: Project): Promise<Fetched> {
  const { cache, runs, emit, signal } = project;
  const dryRun = isSet(context, 'dry-run');
  const runCache = isSet(context, 'run-cache');
  const missing = new Set<RelPath>();
  let complete = true;
  const routing = { asked: textFlag(context, 'remote'), runCache };
  await eachRemote(context, project, routing, async (remote, { name, artifacts, takes }) => {
    const known = new Set(runCache ? runs.list().map((entry) => entry.path) : []);
    const keys = runCache ? await listEntries(remote, (key) => known.has(key), signal) : [];
    const results = await fetchResults({ remote, keys, accepts: takes, signal });
    const locked = artifacts.map((item) => item.artifact);
    const inGit = new Set(artifacts.filter((item) => item.inGit).map((item) => item.artifact));
    const past = results.flatMap((result) => result.outs);
    const wanted = [...locked, ...past];
    const result = await fetchArtifacts({ cache, remote, name, artifacts: wanted, dryRun, emit, signal });
    for (const artifact of result.missing.filter((one) => locked.includes(one) && !inGit.has(one))) {
      missing.add(artifact.path);
      emit({ type: 'warned', problem: lackingProblem(artifact, 'fetch') });
    }
    // Only now are the bytes durable that the entries name.
    if (!dryRun)
      for (const one of results) if (one.outs.every((out) => hasArtifact(cache, out))) runs.save(one);
    complete &&= missing.size === 0 && result.failures.length === 0;
  });
  return { complete, missing };
}
