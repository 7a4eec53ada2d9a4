import { EXIT } from '../base/error.ts';
import type { ExitCode } from '../base/error.ts';
import type { Listener } from '../base/event.ts';
import { lockedWorld, refuseUnlocked } from '../execute/locked.ts';
import { refuseParts } from '../execute/parts.ts';
import { runPlan } from '../execute/run.ts';
import type { RunResult } from '../execute/run.ts';
import { syncData } from '../execute/sync-data.ts';
import { refuseTracked } from '../execute/tracked.ts';
import type { World } from '../execute/world.ts';
import { elapsedMs } from '../io/clock.ts';
import { createHistoryListener } from '../listeners/history.ts';
import { createSchedule } from '../listeners/schedule.ts';
import { orphanedDeps } from '../plan/orphaned-dep.ts';
import type { Plan, Selection } from '../plan/plan.ts';
import { rankStages } from '../plan/priority.ts';
import type { Project } from '../project.ts';
import { historyFolder, lastDurations } from '../record/history.ts';
import { isSet } from './command.ts';
import type { CommandContext } from './command.ts';
import { refuseProblems, startRun, tellPlan } from './tell-run.ts';
import type { Ended } from './tell-run.ts';

export interface Request {
  readonly selection: Selection;
  readonly jobs: number;
  /** At first sight there are stages to run, not only to restore. */
  readonly runs: boolean;
}

/** Takes the workspace, judges again and brings the selected stages up to date; the run is written to the history. */
export async function runStages(
  context: CommandContext,
  project: Project,
  request: Request,
): Promise<ExitCode> {
  const closeHistory = context.listen(historyOf(context, project));
  try {
    return await runInWorkspace(context, project, request);
  } finally {
    await closeHistory();
  }
}

async function runInWorkspace(
  context: CommandContext,
  project: Project,
  request: Request,
): Promise<ExitCode> {
  const { selection } = request;
  const workbench = await project.workbench();
  const { restorer, world } = workbench;
  if (request.runs) workbench.warmUp();
  using _workspace = await project.takeWorkspace();
  using _cache = await project.takeCache('shared');
  // Remotes, and all that reads their file, are loaded for --pull only.
  const pulling = isSet(context, 'pull') ? await import('./pull-needed.ts') : undefined;
  await pulling?.pullData(context, project, selection);
  await syncData({ ...project, restorer }, selection);
  // Someone else may have worked while we waited, and recovery may have moved outs: judged again.
  let plan = await project.plan(selection);
  refuseProblems(plan);
  if (isSet(context, 'locked')) refuseUnlocked(plan, project.recorder, { ...project, selection });
  refuseTracked({ ...project, plan });
  const startedAt = elapsedMs();
  const end = startRun(context, {
    clock: project.clock,
    pipeline: project.pipeline.name,
    stages: plan.judgements.length,
  });
  const { counts, stop } = countOutcomes(context);
  const finish = (result: Ended): void => end(result, elapsedMs() - startedAt);
  try {
    if (pulling) plan = await pulling.pullResults(context, project, { selection, plan });
    await refuseParts({ ...project, plan });
    tellPlan(context, plan);
    const result = await execute(context, project, { ...request, plan, world });
    forgetRemoved(project);
    await project.recorder.flush();
    finish(result);
    return exitOf(result, context.signal);
  } catch (error) {
    // A run without an end is one that was killed.
    finish({ counts, failures: [error] });
    throw error;
  } finally {
    await stop();
  }
}

/** How many stages have ended how. */
function countOutcomes({
  listen,
}: CommandContext): Pick<RunResult, 'counts'> & { stop: () => Promise<void> } {
  const counts = { fresh: 0, restored: 0, ran: 0, failed: 0, blocked: 0, canceled: 0 };
  const stop = listen({
    on(event) {
      if (event.type === 'stage-finished') counts[event.outcome]++;
    },
  });
  return { counts, stop };
}

/** The lock forgets stages and data that pipeline.yaml no longer has; what is still read of their outs is told. */
function forgetRemoved({ recorder, pipeline, graph, emit }: Project): void {
  for (const problem of orphanedDeps(recorder.lock(), { graph, stages: pipeline.stages }))
    emit({ type: 'warned', problem });
  recorder.prune(
    new Set(pipeline.stages.map((stage) => stage.name)),
    new Set(pipeline.data.map((input) => input.path)),
  );
}

function historyOf(context: CommandContext, project: Project): Listener {
  return createHistoryListener({
    folder: historyFolder(project.stateDir),
    schedule: createSchedule(),
    warn: (problem) => context.emit({ type: 'warned', problem }),
  });
}

function execute(
  context: CommandContext,
  project: Project,
  { selection, plan, jobs, world }: Request & { readonly plan: Plan; readonly world: World },
): Promise<RunResult> {
  const { graph, pipeline, emit, signal, recorder, stateDir } = project;
  return runPlan({
    graph,
    selection,
    plan,
    world: isSet(context, 'locked') ? lockedWorld(world, recorder) : world,
    jobs,
    pools: pipeline.pools,
    ranks: rankStages(graph, selection.stages, lastDurations(stateDir)),
    keepGoing: isSet(context, 'keep-going'),
    emit,
    signal,
  });
}

function exitOf({ failures }: RunResult, signal: AbortSignal): ExitCode {
  if (signal.aborted) return EXIT.interrupted;
  return failures.length === 0 ? EXIT.ok : EXIT.failed;
}
