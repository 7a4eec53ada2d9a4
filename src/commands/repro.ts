import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { EXIT, PipelineError } from '../base/error.ts';
import type { ExitCode } from '../base/error.ts';
import type { Listener } from '../base/event.ts';
import type { StageName } from '../base/types.ts';
import { runPlan } from '../execute/run.ts';
import type { RunResult } from '../execute/run.ts';
import { lockedWorld, refuseUnlocked } from '../execute/locked.ts';
import { staleData, syncData } from '../execute/data.ts';
import { refuseTracked } from '../execute/tracked.ts';
import { createHistoryListener } from '../listeners/history.ts';
import { createSchedule } from '../listeners/schedule.ts';
import type { Plan, Selection } from '../plan/plan.ts';
import { rankStages } from '../plan/priority.ts';
import { selectStages } from '../plan/select.ts';
import type { Project } from '../project.ts';
import { historyFolder, lastDurations } from '../record/history.ts';
import { SELECT_FLAGS, isSet, printJson, textFlag, withProject } from './command.ts';
import type { Command, CommandContext } from './command.ts';
import { formatPlan, toJudged } from './judged.ts';

const repro: Command = {
  summary: 'Run what changed, restore what is known, leave the rest',
  usage: '[STAGE …]',
  flags: {
    ...SELECT_FLAGS,
    force: {
      type: 'boolean',
      short: 'f',
      help: 'run the named stages (all, if none is named) even if nothing changed',
    },
    'keep-going': {
      type: 'boolean',
      short: 'k',
      help: 'after a failure go on with what does not depend on it',
    },
    'dry-run': { type: 'boolean', short: 'n', help: 'say what would happen and why, and do nothing' },
    pull: {
      type: 'boolean',
      help: 'take results that the default remote has instead of running; take them only from whom you trust',
    },
    locked: {
      type: 'boolean',
      help: 'rebuild exactly what pipeline.lock says; fail where a fingerprint or a byte differs',
    },
    jobs: {
      type: 'string',
      short: 'j',
      value: 'N',
      help: 'stages at a time (default: the processors of this machine)',
    },
  },
  examples: [
    'lockstep repro',
    'lockstep repro features --force',
    'lockstep repro --dry-run',
    'lockstep repro --pull',
    'lockstep repro --locked',
  ],
  run: (context) =>
    withProject(context, (project) => reproduce(context, project), { locked: isSet(context, 'locked') }),
};

export default repro;

/** What `repro` does with an open project; `watch` does it again and again. */
export async function reproduce(context: CommandContext, project: Project): Promise<ExitCode> {
  const jobs = jobsOf(context);
  const selection = selectStages(project.graph, {
    targets: context.args,
    downstream: isSet(context, 'downstream'),
    single: isSet(context, 'single'),
    force: isSet(context, 'force'),
  });
  const first = await project.plan(selection);
  if (isSet(context, 'dry-run')) {
    refuseProblems(first);
    printPlan(context, first);
    return EXIT.ok;
  }
  if (isIdle(first) && staleData(project).length === 0 && !project.needsRecovery() && !hasRemoved(project)) {
    const run = startRun(context, project, first);
    tellPlan(context, first);
    finishRun(context, { run, result: allFresh(first), durationMs: 0 });
    return EXIT.ok;
  }
  const closeHistory = context.listen(historyOf(context, project));
  try {
    return await runStages(context, project, { selection, jobs });
  } finally {
    await closeHistory();
  }
}

interface Request {
  readonly selection: Selection;
  readonly jobs: number;
}

async function runStages(context: CommandContext, project: Project, request: Request): Promise<ExitCode> {
  const { selection } = request;
  using _workspace = await project.takeWorkspace();
  using _cache = await project.takeCache('shared');
  // Remotes, and all that reads their file, are loaded for --pull only.
  const pulling = isSet(context, 'pull') ? await import('./pull-needed.ts') : undefined;
  await pulling?.pullData(context, project);
  await syncData(project);
  // Someone else may have worked while we waited, and recovery may have moved outs: judged again.
  let plan = await project.plan(selection);
  refuseProblems(plan);
  if (isSet(context, 'locked')) refuseUnlocked(plan, project.recorder);
  refuseTracked(project.root, plan);
  const startedAt = project.clock.now();
  const run = startRun(context, project, plan);
  if (pulling) plan = await pulling.pullResults(context, project, { selection, plan });
  tellPlan(context, plan);
  const result = await execute(context, project, { ...request, plan });
  forgetRemoved(project);
  await project.recorder.flush();
  finishRun(context, { run, result, durationMs: project.clock.now() - startedAt });
  return exitOf(result, context.signal);
}

function isIdle(plan: Plan): boolean {
  const done = plan.judgements.every(
    ({ decision }) => decision.verdict === 'skip' && decision.reasons[0].kind !== 'gate-changed',
  );
  return done && plan.problems.length === 0;
}

function allFresh(plan: Plan): RunResult {
  return {
    counts: { fresh: plan.judgements.length, restored: 0, ran: 0, failed: 0, blocked: 0, canceled: 0 },
    failures: [],
  };
}

/** True when the lock names a stage or data that pipeline.yaml no longer has. */
function hasRemoved({ recorder, pipeline, graph }: Project): boolean {
  const data = new Set<string>(pipeline.data.map((input) => input.path));
  const lock = recorder.lock();
  return (
    [...lock.stages.keys()].some((name) => !graph.stages.has(name as StageName)) ||
    lock.data.some((input) => !data.has(input.path))
  );
}

/** The lock forgets stages and data that pipeline.yaml no longer has. */
function forgetRemoved({ recorder, pipeline }: Project): void {
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
  { selection, plan, jobs }: Request & { readonly plan: Plan },
): Promise<RunResult> {
  const { graph, pipeline, emit, signal, world, recorder, stateDir } = project;
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

function startRun(context: CommandContext, project: Project, plan: Plan): string {
  const stamp = new Date(project.clock.now()).toISOString().replaceAll(/[-:.Z]/g, '');
  const run = `${stamp}-${randomBytes(2).toString('hex')}`;
  context.emit({
    type: 'run-started',
    run,
    command: context.line,
    pipeline: project.pipeline.name,
    stages: plan.judgements.length,
  });
  return run;
}

function tellPlan(context: CommandContext, plan: Plan): void {
  context.emit({ type: 'plan-made', stages: plan.judgements.map(toJudged) });
}

function finishRun(
  context: CommandContext,
  { run, result, durationMs }: { run: string; result: RunResult; durationMs: number },
): void {
  const outcome = context.signal.aborted ? 'canceled' : result.failures.length > 0 ? 'failed' : 'succeeded';
  context.emit({ type: 'run-finished', run, outcome, counts: result.counts, durationMs });
}

function exitOf({ failures }: RunResult, signal: AbortSignal): ExitCode {
  if (signal.aborted) return EXIT.interrupted;
  return failures.length === 0 ? EXIT.ok : EXIT.failed;
}

/** Problems that are known before anything runs: nothing then does. */
function refuseProblems(plan: Plan): void {
  const [first, ...rest] = plan.problems;
  if (first) throw PipelineError.of([first, ...rest]);
}

function jobsOf(context: CommandContext): number {
  const text = textFlag(context, 'jobs');
  if (text === undefined) return availableParallelism();
  const jobs = Number(text);
  if (Number.isInteger(jobs) && jobs > 0 && jobs <= 1024) return jobs;
  throw new PipelineError('cli.value', `"--jobs" takes a whole number from 1 to 1024, not "${text}"`, {
    hint: 'for example --jobs 2',
  });
}

/** Prints what would happen and why: for people, or one JSON value per stage. */
export function printPlan(context: CommandContext, plan: Plan): void {
  if (!context.json) return context.print(formatPlan(plan));
  for (const judgement of plan.judgements) printJson(context, toJudged(judgement));
}
