import { availableParallelism } from 'node:os';
import { EXIT } from '../base/error.ts';
import type { ExitCode } from '../base/error.ts';
import { lostData, newData, refuseForks, refuseLost } from '../execute/data.ts';
import { isSettled } from '../execute/settle.ts';
import { isFresh } from '../plan/decide.ts';
import type { Plan } from '../plan/plan.ts';
import type { Project } from '../project.ts';
import {
  SELECT_FLAGS,
  asksPlainly,
  isSet,
  jobsOf,
  printJson,
  selectionOf,
  textFlag,
  withProject,
} from './command.ts';
import type { Command, CommandContext } from './command.ts';
import { formatPlan, toJudged } from './judged.ts';
import type { Request } from './run-stages.ts';
import { refuseProblems, startRun, tellFreshStages, tellPlan } from './tell-run.ts';
import type { Beginning } from './tell-run.ts';

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
      help: 'take results that a remote has instead of running; take them only from whom you trust',
    },
    remote: {
      type: 'string',
      short: 'r',
      value: 'NAME',
      help: 'with --pull: this remote instead of the default one',
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
    'lockstep repro --pull --remote backup',
    'lockstep repro --locked',
  ],
  run: (context) =>
    withProject(context, (project) => reproduce(context, project), {
      ...(asksPlainly(context) && { settled: (answer) => tellFresh(context, answer) }),
      locked: isSet(context, 'locked'),
      ...(isSet(context, 'force') && { forced: context.args }),
    }),
};

export default repro;

/** What `repro` does with an open project; `watch` does it again and again. */
export async function reproduce(context: CommandContext, project: Project): Promise<ExitCode> {
  const jobs = jobsOf(context) ?? availableParallelism();
  if (textFlag(context, 'remote') !== undefined) {
    const { refuseRemote } = await import('./pull-needed.ts');
    await refuseRemote(context, project);
  }
  const selection = selectionOf(context, project);
  const dryRun = isSet(context, 'dry-run');
  const locked = isSet(context, 'locked') ? await import('../execute/locked.ts') : undefined;
  await locked?.refuseUnlockedData(project);
  // Data that was never recorded is to be read once only: when it can be copied, too.
  if (!dryRun && newData(project).length > 0)
    return doRun(context, project, { selection, jobs, runs: false });
  const first = await project.plan(selection);
  if (dryRun) {
    refuseProblems(first);
    locked?.refuseUnlocked(first, project.recorder, { ...project, selection });
    refuseForks(project);
    if (!isSet(context, 'pull')) refuseLost(lostData(project, selection), project);
    printPlan(context, first);
    if (
      isSet(context, 'pull') &&
      !context.json &&
      first.judgements.some(({ decision }) => !isFresh(decision))
    )
      context.print('Remotes were not asked: what they have is restored instead of run.\n');
    return EXIT.ok;
  }
  if (isSettled(project, first)) {
    project.noteSettled();
    const { clock, pipeline } = project;
    const beginning = { clock, pipeline: pipeline.name, stages: first.judgements.length };
    return tellFresh(context, beginning, first);
  }
  const runs = first.judgements.some(({ decision }) => decision.verdict === 'run');
  return doRun(context, project, { selection, jobs, runs });
}

/** What runs stages is loaded only when there is something to run. */
async function doRun(context: CommandContext, project: Project, request: Request): Promise<ExitCode> {
  const { runStages } = await import('./run-stages.ts');
  return runStages(context, project, request);
}

/** A run with nothing to do; no plan where that was found without judging anything. */
function tellFresh(context: CommandContext, beginning: Beginning, plan?: Plan): ExitCode {
  const finish = startRun(context, beginning);
  if (plan) {
    tellPlan(context, plan);
    tellFreshStages(context, plan);
  }
  const counts = { fresh: beginning.stages, restored: 0, ran: 0, failed: 0, blocked: 0, canceled: 0 };
  finish({ counts, failures: [] }, 0);
  return EXIT.ok;
}

/** Prints what would happen and why: for people, or one JSON value per stage. */
export function printPlan(context: CommandContext, plan: Plan, staleData?: number): void {
  if (context.json) for (const judgement of plan.judgements) printJson(context, toJudged(judgement));
  else for (const text of formatPlan(plan, staleData)) context.print(text);
}
