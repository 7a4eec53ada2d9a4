import { PipelineError, toProblem } from '../base/error.ts';
import type { Remote } from '../base/remote.ts';
import type { Artifact, StageLock, StageName } from '../base/types.ts';
import { staleData } from '../execute/data.ts';
import { hasArtifact } from '../execute/facts.ts';
import { fetchArtifacts } from '../execute/fetch.ts';
import { fetchResults } from '../execute/fetch-results.ts';
import type { Judgement, Plan, Selection } from '../plan/plan.ts';
import type { Project } from '../project.ts';
import { entryPathOf } from '../record/runs.ts';
import { isSet, textFlag } from './command.ts';
import type { CommandContext } from './command.ts';
import { chooseRemote, loadRemotes, withRemote } from './remotes.ts';

/**
 * `repro --pull`: takes results and bytes that spare the run a stage from the remote of `--remote`, else the default one,
 * and gives back the plan as it then stands. A remote is never required: whatever it cannot give is run, and why it could not is told.
 */
export async function pullResults(
  context: CommandContext,
  project: Project,
  { selection, plan }: { readonly selection: Selection; readonly plan: Plan },
): Promise<Plan> {
  const tried = new Set<StageName>();
  if (openStages(plan, tried).length === 0) return plan;
  await withChosenRemote(context, project, async (remote, name) => {
    const pulled: StageName[] = [];
    let current = plan;
    // With the results of one stage the fingerprints of those behind it are known.
    for (let open = openStages(current, tried); open.length > 0; open = openStages(current, tried)) {
      for (const { stage } of open) tried.add(stage.name);
      const results = await findResults(project, remote, open);
      await fetchWhole(project, {
        remote,
        name,
        artifacts: [...results.values()].flatMap((one) => one.outs),
      });
      for (const [stage, result] of results) {
        if (!result.outs.every((out) => hasArtifact(project.cache, out))) continue;
        // What continues from its old outs is in no run cache.
        if (!result.fingerprint.outs.some((out) => out.persist)) project.runs.save(result);
        pulled.push(stage);
      }
      current = await project.plan(selection);
    }
    if (pulled.length > 0) project.emit({ type: 'results-pulled', remote: name, stages: pulled });
  });
  return project.plan(selection);
}

/** `repro --pull`: brings tracked inputs that are neither in the workspace nor in the cache. */
export async function pullData(context: CommandContext, project: Project): Promise<void> {
  const { pipeline, facts, recorder, cache } = project;
  await facts.look(pipeline.data.map((input) => input.path));
  const gone = new Set<string>(
    staleData(project).flatMap(({ path }) => (facts.observed(path).kind === 'missing' ? [path] : [])),
  );
  const artifacts = recorder.data().filter((one) => gone.has(one.path) && !hasArtifact(cache, one));
  if (artifacts.length === 0) return;
  await withChosenRemote(context, project, (remote, name) =>
    fetchWhole(project, { remote, name, artifacts }),
  );
}

/** Stages that would run, or cannot, although a result of theirs may be known elsewhere. */
function openStages(plan: Plan, tried: ReadonlySet<StageName>): readonly Judgement[] {
  return plan.judgements.filter(({ stage, decision }) => {
    if (tried.has(stage.name) || stage.policy.always) return false;
    if (decision.verdict === 'blocked') return true;
    return decision.verdict === 'run' && decision.reasons[0].kind !== 'forced';
  });
}

/** The lock's own result where it fits, else that of the run cache here or there. */
async function findResults(
  { recorder, runs, signal }: Project,
  remote: Remote,
  open: readonly Judgement[],
): Promise<ReadonlyMap<StageName, StageLock>> {
  const found = new Map<StageName, StageLock>();
  const wanted = new Map<string, Judgement['stage']>();
  for (const { stage, decision, fingerprint } of open) {
    const locked = recorder.lockOf(stage.name);
    const key = fingerprint && entryPathOf(fingerprint);
    const fits = decision.verdict === 'blocked' || (locked && entryPathOf(locked.fingerprint) === key);
    if (locked && fits) found.set(stage.name, locked);
    if (!fingerprint || key === undefined || fits || stage.outs.some((out) => out.persist)) continue;
    const known = runs.recall(fingerprint);
    if (known) found.set(stage.name, known);
    else wanted.set(key, stage);
  }
  const keys: string[] = [];
  await Promise.all(
    [...wanted.keys()].map(async (key) => {
      if (await remote.head(key, signal)) keys.push(key);
    }),
  );
  for (const result of await fetchResults({ remote, keys, accepts: () => true, signal })) {
    const stage = wanted.get(entryPathOf(result.fingerprint));
    const own = new Set<string>(stage?.outs.map((out) => out.path));
    const theirs = result.outs.map((out) => out.path);
    if (stage && own.size === theirs.length && theirs.every((path) => own.has(path)))
      found.set(stage.name, result);
  }
  return found;
}

interface Fetching {
  readonly remote: Remote;
  readonly name: string;
  readonly artifacts: readonly Artifact[];
}

async function fetchWhole(project: Project, { remote, name, artifacts }: Fetching): Promise<void> {
  const { cache, emit, signal } = project;
  const lacking = artifacts.filter((artifact) => !hasArtifact(cache, artifact));
  if (lacking.length === 0) return;
  await fetchArtifacts({ cache, remote, name, artifacts: lacking, dryRun: false, emit, signal });
}

/** Throws when `--remote` does not go with `--pull`, or names no remote: that is no remote that cannot be had just now. */
export function refuseRemote(context: CommandContext, { root }: Project): void {
  if (!isSet(context, 'pull')) {
    throw new PipelineError('cli.arguments', '"--remote" says from where "--pull" takes results', {
      hint: 'add --pull, or leave --remote out',
    });
  }
  chooseRemote(loadRemotes(context, root), textFlag(context, 'remote'));
}

async function withChosenRemote(
  context: CommandContext,
  project: Project,
  act: (remote: Remote, name: string) => Promise<void>,
): Promise<void> {
  const { root, clock, emit, signal } = project;
  try {
    const remotes = loadRemotes(context, root);
    const name = chooseRemote(remotes, textFlag(context, 'remote'));
    await withRemote(context, { root, remotes, name, clock, emit }, (remote) => act(remote, name));
  } catch (error) {
    if (!(error instanceof PipelineError) || signal.aborted) throw error;
    const problem = toProblem(error);
    emit({ type: 'warned', problem: { ...problem, message: `nothing more is pulled: ${problem.message}` } });
  }
}
