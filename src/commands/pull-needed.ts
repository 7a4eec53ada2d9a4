import { PipelineError, toProblem } from '../base/error.ts';
import type { Remote } from '../base/remote.ts';
import type { Artifact, Out, Stage, StageLock, StageName } from '../base/types.ts';
import { lostData } from '../execute/data.ts';
import { hasArtifact } from '../execute/facts.ts';
import { fetchArtifacts } from '../transfer/fetch.ts';
import { fetchResults } from '../transfer/fetch-results.ts';
import { runPool } from '../transfer/pool.ts';
import type { Judgement, Plan, Selection } from '../plan/plan.ts';
import type { Project } from '../project.ts';
import { entryPathOf } from '../record/runs.ts';
import { isSet, textFlag } from './command.ts';
import type { CommandContext } from './command.ts';
import { chooseRemote, withRemote } from './remotes.ts';
import { outsAndData, placeOf } from './routes.ts';

/** A remote that is open, its name, and how it is found which remote an out or data belongs to. */
interface Place {
  readonly remote: Remote;
  readonly name: string;
  readonly nameOf: Places['nameOf'];
}

/** The remotes of a `repro --pull`. */
interface Places {
  /** The remote to ask; `undefined` when there is none, or it could not be had. */
  nameOf(item: Pick<Out, 'push' | 'remote'>): string | undefined;
  /** Opens a remote; tells why it cannot be had. */
  ask(name: string, act: (place: Place) => Promise<void>): Promise<void>;
}

/**
 * `repro --pull`: takes results and bytes that spare the run a stage from the remote of each out: its own, else that of
 * `--remote` or the default one; and gives back the plan as it then stands. A remote is never required: whatever it cannot
 * give is run, and why it could not is told.
 */
export async function pullResults(
  context: CommandContext,
  project: Project,
  { selection, plan }: { readonly selection: Selection; readonly plan: Plan },
): Promise<Plan> {
  if (plan.judgements.every((judgement) => !isOpen(judgement))) return plan;
  const places = await openPlaces(context, project);
  if (!places) return plan;
  /** Stages that each remote was asked about. */
  const tried = new Map<string, Set<StageName>>();
  const askable = ({ stage }: Judgement): readonly string[] =>
    [...namesOf(stage, places)].filter((name) => tried.get(name)?.has(stage.name) !== true);
  let current = plan;
  /** With the results of one stage the fingerprints of those behind it are known. */
  const pullFrom = async (place: Place): Promise<void> => {
    const isNext = (one: Judgement): boolean => isOpen(one) && askable(one).includes(place.name);
    const pulled: StageName[] = [];
    for (;;) {
      const open = current.judgements.filter(isNext);
      if (open.length === 0) break;
      for (const { stage } of open) tried.get(place.name)?.add(stage.name);
      for (const name of await pullStages(project, place, open)) pulled.push(name);
      current = await project.plan(selection);
    }
    if (pulled.length > 0) project.emit({ type: 'results-pulled', remote: place.name, stages: pulled });
  };
  for (;;) {
    const [name] = current.judgements.filter(isOpen).flatMap(askable);
    if (name === undefined) return project.plan(selection);
    if (!tried.has(name)) tried.set(name, new Set());
    await places.ask(name, pullFrom);
  }
}

/** `repro --pull`: brings tracked inputs that selected stages read and that are neither in the workspace nor in the cache. */
export async function pullData(
  context: CommandContext,
  project: Project,
  selection: Selection,
): Promise<void> {
  const { facts, recorder, pipeline } = project;
  await facts.look(pipeline.data.map((input) => input.path));
  const wanted = lostData(project, selection).flatMap((input) => {
    const artifact = recorder.dataOf(input.path);
    return artifact ? [{ input, artifact }] : [];
  });
  const places = wanted.length === 0 ? undefined : await openPlaces(context, project);
  if (!places) return;
  const byName = Map.groupBy(wanted, ({ input }) => places.nameOf(input));
  for (const [name, some] of byName) {
    const artifacts = some.map(({ artifact }) => artifact);
    if (name !== undefined) await places.ask(name, (place) => fetchWhole(project, place, artifacts));
  }
}

/** True for a stage that would run, or cannot, although a result of it may be known elsewhere. */
function isOpen({ stage, decision }: Judgement): boolean {
  if (stage.policy.always) return false;
  if (decision.verdict === 'blocked') return true;
  return decision.verdict === 'run' && decision.reasons[0].kind !== 'forced';
}

/** The remotes that have outs of a stage. */
function namesOf({ outs }: Stage, { nameOf }: Pick<Places, 'nameOf'>): ReadonlySet<string> {
  return new Set(outs.flatMap((out) => nameOf(out) ?? []));
}

/** Brings what one remote has of the results of stages; those whose results are all here then are given back. */
async function pullStages(
  project: Project,
  place: Place,
  open: readonly Judgement[],
): Promise<readonly StageName[]> {
  const { cache, runs } = project;
  const placeOfOut = (stage: Stage, { path }: Artifact): string | undefined => {
    const declared = stage.outs.find((out) => out.path === path);
    return declared && place.nameOf(declared);
  };
  // What no remote has is here, or else all of the others would come in vain.
  const results = [...(await findResults(project, place, open))].filter(([stage, { outs }]) =>
    outs.every((out) => placeOfOut(stage, out) !== undefined || hasArtifact(cache, out)),
  );
  const artifacts = results.flatMap(([stage, { outs }]) =>
    outs.filter((out) => placeOfOut(stage, out) === place.name),
  );
  await fetchWhole(project, place, artifacts);
  const pulled: StageName[] = [];
  for (const [stage, result] of results) {
    if (!result.outs.every((out) => hasArtifact(cache, out))) continue;
    runs.save(result);
    pulled.push(stage.name);
  }
  return pulled;
}

/** The lock's own result where it fits, else that of the run cache here or there. */
async function findResults(
  { recorder, runs, emit, signal }: Project,
  { remote, name, nameOf }: Place,
  open: readonly Judgement[],
): Promise<ReadonlyMap<Stage, StageLock>> {
  const found = new Map<Stage, StageLock>();
  const wanted = new Map<string, Stage>();
  for (const { stage, decision, fingerprint } of open) {
    const locked = recorder.lockOf(stage.name);
    const key = fingerprint && entryPathOf(fingerprint);
    const fits =
      decision.verdict === 'blocked' || (locked && !locked.edited && entryPathOf(locked.fingerprint) === key);
    if (locked && fits) found.set(stage, locked);
    if (!fingerprint || key === undefined || fits || stage.outs.some((out) => out.persist)) continue;
    const known = runs.recall(fingerprint);
    if (known) found.set(stage, known);
    // Results are sent only to a remote that may have all their outs.
    else if (stage.outs.every((out) => nameOf(out) === name)) wanted.set(key, stage);
  }
  const keys: string[] = [];
  await runPool([...wanted.keys()], remote.limits.concurrency, async (key) => {
    if (await remote.head(key, signal)) keys.push(key);
  });
  for (const result of await fetchResults({ remote, name, keys, accepts: () => true, emit, signal })) {
    const stage = wanted.get(entryPathOf(result.fingerprint));
    const own = new Set<string>(stage?.outs.map((out) => out.path));
    const theirs = result.outs.map((out) => out.path);
    if (stage && own.size === theirs.length && theirs.every((path) => own.has(path)))
      found.set(stage, result);
  }
  return found;
}

async function fetchWhole(
  project: Project,
  { remote, name }: Place,
  artifacts: readonly Artifact[],
): Promise<void> {
  const { cache, emit, signal } = project;
  const lacking = artifacts.filter((artifact) => !hasArtifact(cache, artifact));
  if (lacking.length === 0) return;
  await fetchArtifacts({ cache, remote, name, artifacts: lacking, dryRun: false, emit, signal });
}

/** Throws when `--remote` does not go with `--pull`, or names no remote: that is no remote that cannot be had just now. */
export async function refuseRemote(context: CommandContext, project: Project): Promise<void> {
  if (!isSet(context, 'pull')) {
    throw new PipelineError('cli.arguments', '"--remote" says from where "--pull" takes results', {
      hint: 'add --pull, or leave --remote out',
    });
  }
  chooseRemote(await project.remotes(), textFlag(context, 'remote'));
}

/** The remotes of remotes.yaml; `undefined`, told why, when that cannot be read. */
async function openPlaces(context: CommandContext, project: Project): Promise<Places | undefined> {
  const { root, clock, emit, signal } = project;
  const asked = textFlag(context, 'remote');
  const tell = (error: unknown): undefined => {
    if (!(error instanceof PipelineError) || signal.aborted) throw error;
    const problem = toProblem(error);
    emit({ type: 'warned', problem: { ...problem, message: `nothing more is pulled: ${problem.message}` } });
  };
  try {
    const remotes = await project.remotes();
    const lost = new Set<string>();
    let fallback: { readonly name: string | undefined } | undefined;
    const defaultName = (): string | undefined => {
      try {
        fallback ??= { name: chooseRemote(remotes, asked) };
      } catch (error) {
        fallback = { name: tell(error) };
      }
      return fallback.name;
    };
    const nameOf: Places['nameOf'] = (item) => {
      const needsDefault = item.push && item.remote === undefined;
      const name = placeOf(item, asked, needsDefault ? defaultName() : undefined);
      return name === undefined || lost.has(name) ? undefined : name;
    };
    return {
      nameOf,
      async ask(name, act) {
        try {
          await withRemote(
            context,
            { root, remotes, name, taken: outsAndData(project), clock, emit },
            (remote) => act({ remote, name, nameOf }),
          );
        } catch (error) {
          lost.add(name);
          tell(error);
        }
      },
    };
  } catch (error) {
    return tell(error);
  }
}
