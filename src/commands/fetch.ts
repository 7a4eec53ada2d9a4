import type { ExitCode } from '../base/error.ts';
import type { RelPath } from '../base/types.ts';
import { hasArtifact } from '../execute/facts.ts';
import { fetchArtifacts } from '../transfer/fetch.ts';
import { fetchResults } from '../transfer/fetch-results.ts';
import { listEntries } from '../transfer/remote-entries.ts';
import type { Wanted } from '../transfer/transfer-plan.ts';
import type { Project } from '../project.ts';
import { isSet, jobsOf, textFlag, withProject } from './command.ts';
import type { Command, CommandContext, Flag } from './command.ts';
import { findParts, leaveKept, refuseUnmatched } from './fetch-part.ts';
import type { Part } from './fetch-part.ts';
import { refuseLacking } from './kept.ts';
import { tellLackingThere } from './lacking.ts';
import { findTargets } from './pull-targets.ts';
import type { Targets } from './pull-targets.ts';
import { TRANSFER_FLAGS } from './remotes.ts';
import { eachRemote, exitOf } from './routes.ts';

/** Flags of the commands that bring bytes here. */
export const FETCH_FLAGS: Readonly<Record<string, Flag>> = {
  ...TRANSFER_FLAGS,
  'run-cache': {
    type: 'boolean',
    help: 'also past results, so that repro can restore them; take them only from whom you trust',
  },
  for: {
    type: 'string',
    multiple: true,
    value: 'STAGE',
    help: 'what this stage reads: outs of other stages, and data',
  },
};

const fetch: Command = {
  summary: 'Bring into the cache what pipeline.lock names',
  usage: '[STAGE | PATH | GLOB …]',
  flags: FETCH_FLAGS,
  examples: ['lockstep fetch', 'lockstep fetch data/raw --dry-run', 'lockstep fetch --for features'],
  run: (context) => withProject(context, (project) => fetchTargets(context, project)),
};

export default fetch;

/** Fetches what the command line means. Throws for what of it is kept from the remote and not here. */
export async function fetchTargets(context: CommandContext, project: Project): Promise<ExitCode> {
  using _cache = await project.takeCache('shared');
  const targets = await findTargets(context, project);
  const { exit } = await fetchAll(context, project, targets);
  if (targets.whole) refuseLacking(project, targets.whole, textFlag(context, 'remote'));
  return exit;
}

export interface Fetched {
  /** Not 0 when something could not be had. */
  readonly exit: ExitCode;
  /** Paths whose artifacts, or wanted files, are not all here; each has been told. */
  readonly missing: ReadonlySet<RelPath>;
  /** Directories of which some files were wanted. */
  readonly parts: readonly Part[];
}

/** Fetches from every remote that is concerned. */
export async function fetchAll(
  context: CommandContext,
  project: Project,
  targets: Targets,
): Promise<Fetched> {
  const { whole } = targets;
  const asked = textFlag(context, 'remote');
  const parts = leaveKept(project, targets.parts, asked);
  const { cache, runs, emit, signal } = project;
  const dryRun = isSet(context, 'dry-run');
  const runCache = isSet(context, 'run-cache');
  const missing = new Set<RelPath>();
  const found: Part[] = [];
  let complete = true;
  const only = whole && new Set([...whole, ...parts.keys()]);
  const jobs = jobsOf(context);
  const routing = { asked, runCache, jobs, ...(only && { only }) };
  const failures = await eachRemote(context, project, routing, async (remote, { name, artifacts, takes }) => {
    const known = new Set(runCache ? runs.list().map((entry) => entry.path) : []);
    const listed = runCache ? await listEntries(remote, signal) : [];
    const keys = listed.filter((key) => !known.has(key));
    const results = await fetchResults({ remote, name, keys, accepts: takes, emit, signal });
    const some = await findParts(project, { remote, artifacts, parts });
    found.push(...some.found);
    for (const path of some.missing) missing.add(path);
    const locked = artifacts.filter(({ artifact }) => !parts.has(artifact.path));
    const inNeed = new Set<Wanted>([
      ...locked.filter((item) => !item.inGit).map((item) => item.artifact),
      ...some.found.flatMap((part) => part.wanted),
    ]);
    // What of these cannot be had is no loss.
    const welcome = [
      ...locked.filter((item) => item.inGit).map((item) => item.artifact),
      ...results.flatMap((result) => result.outs),
    ];
    const all = [...inNeed, ...welcome];
    const result = await fetchArtifacts({ cache, remote, name, artifacts: all, dryRun, emit, signal });
    for (const one of result.missing) if (inNeed.has(one)) missing.add(one.path);
    // What was refused has been told.
    await tellLackingThere(
      project,
      remote,
      result.lacking.filter((one) => inNeed.has(one)),
    );
    // Only now are the bytes durable that the entries name.
    if (!dryRun)
      for (const one of results) if (one.outs.every((out) => hasArtifact(cache, out))) runs.save(one);
    complete &&= missing.size === 0 && result.failures.length === 0;
  });
  for (const { artifacts } of failures) for (const { artifact } of artifacts) missing.add(artifact.path);
  refuseUnmatched(parts, { found, unknown: missing, folder: project.folder });
  const some = found.filter(({ wanted }) => wanted.length > 0);
  return { exit: exitOf(failures, complete), missing, parts: some };
}
