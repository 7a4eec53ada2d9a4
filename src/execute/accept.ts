import { EXIT, PipelineError } from '../base/error.ts';
import type { ExitCode, Problem } from '../base/error.ts';
import { formatReason } from '../base/reason.ts';
import type { Reason } from '../base/reason.ts';
import type { Redactor } from '../base/redact.ts';
import { shellQuote } from '../base/text.ts';
import type { Fingerprint, Out, Stage, StageLock, StageName } from '../base/types.ts';
import { isFresh } from '../plan/decide.ts';
import { judge } from '../plan/plan.ts';
import type { Facts, Known, Selection } from '../plan/plan.ts';
import { redactorOf } from './attempt-inputs.ts';
import { evaluateGates } from './gates.ts';
import { harvest } from './harvest.ts';
import { anyPartOf, forgetIncomplete, partial } from './incomplete.ts';
import type { OpenProject } from './open-project.ts';
import { stageError } from './stage-error.ts';
import { layStaging } from './staging.ts';

type AcceptOptions = Pick<
  OpenProject,
  'root' | 'folder' | 'graph' | 'facts' | 'cache' | 'runs' | 'recorder' | 'pipeline' | 'env' | 'emit'
>;

/** The facts for who takes outs as they are: whether others could be restored in their place is not asked, for that costs a look at each file in the cache. */
export function takenAsTheyAre(facts: Facts): Facts {
  return { ...facts, recall: () => undefined, isAvailable: () => false };
}

export interface Accepted {
  /** Stages whose record changed. */
  readonly recorded: readonly StageName[];
  /** Why others could not be recorded, for which those that read from them wait; `stage.frozen` of one that is not as it is recorded. */
  readonly problems: readonly Problem[];
  /** What the command ends with where there are problems: that of the first. */
  readonly exit: ExitCode;
}

/**
 * Takes the outs that are on disk as the results of their stages, upstream first. Gates hold here too. A stage is left as it
 * is recorded where an out is not there (`out.missing`) or only in part (`incomplete.part`).
 */
export async function commitWorkspace(options: AcceptOptions, selection: Selection): Promise<Accepted> {
  const { graph, facts, recorder } = options;
  const inputs = { ...options, redactor: redactorOf(graph.stages.values(), options.env) };
  const known = new Map<StageName, Known>();
  const recorded: StageName[] = [];
  const problems: Problem[] = [];
  let exit: ExitCode | undefined;
  const asTheyAre = takenAsTheyAre(facts);
  for (const name of graph.order) {
    if (!selection.stages.has(name)) continue;
    const judgement = judge(name, { graph, selection, facts: asTheyAre, known });
    const { stage, decision, fingerprint } = judgement;
    if (judgement.problems.length > 0) {
      // Not known before: what it reads is not in what was recorded of the stages above it.
      problems.push(...judgement.problems);
      exit ??= EXIT.user;
      continue;
    }
    if (isFresh(decision) || stage.policy.frozen || !fingerprint) {
      if (decision.verdict === 'skip') known.set(name, { outs: decision.result.outs, placed: true });
      if (decision.verdict === 'blocked') {
        problems.push(notAsRecorded(stage, decision.reasons));
        exit ??= EXIT.failed;
      }
      continue;
    }
    let result: StageLock;
    try {
      result = await acceptOuts(stage, fingerprint, inputs);
    } catch (error) {
      // The others are recorded all the same, and told: which ones must not hang on the order.
      if (!(error instanceof PipelineError)) throw error;
      problems.push(...error.problems);
      exit ??= error.exit;
      continue;
    }
    recorder.setStage(name, result);
    facts.noteOuts(result.outs);
    forgetIncomplete(options.root, result.outs);
    known.set(name, { outs: result.outs, placed: true });
    recorded.push(name);
  }
  return { recorded, problems, exit: exit ?? EXIT.ok };
}

/** What the stage's outs are, once they are in the cache and its gates hold. */
async function acceptOuts(
  stage: Stage,
  fingerprint: Fingerprint,
  options: AcceptOptions & { readonly redactor: Redactor },
): Promise<StageLock> {
  const { root, folder, facts, cache, runs, recorder, pipeline, emit, redactor } = options;
  const recorded = recorder.lockOf(stage.name)?.outs;
  for (const out of stage.outs) {
    if (facts.observed(out.path).kind === 'missing') throw notHere(stage, out);
    const part = anyPartOf(
      root,
      facts,
      recorded?.find(({ path }) => path === out.path),
    );
    if (part) throw partial(part, folder);
  }
  const staging = layStaging(stage.outs, { root, id: 'commit', inPlace: true });
  const result = await harvest({
    stage,
    staging,
    fingerprint,
    cache,
    pipeline,
    facts,
    seen: (path) => facts.observed(path),
  });
  evaluateGates(stage, result.outs, { read: ({ hash }) => cache.readObject(hash), emit, redactor });
  runs.save(result);
  return result;
}

function notHere(stage: Stage, { path, at }: Out): PipelineError {
  const { name } = stage;
  return stageError(stage, 'out.missing', `"${path}" of stage "${name}" is not here to be recorded`, {
    at,
    hint: `put it there, take it out of the outs:, or let "lockstep repro ${shellQuote(name)}" make it`,
  });
}

function notAsRecorded({ name, at }: Stage, reasons: readonly Reason[]): Problem {
  const why = reasons.filter(({ kind }) => kind !== 'frozen').map(formatReason);
  return {
    code: 'stage.frozen',
    message: `stage "${name}" is frozen, so neither it nor what reads from it was recorded: ${why.join('; ')}`,
    at: [at],
    hint: `"lockstep repro ${shellQuote(name)}" restores what was recorded, if anything was; to record what is here, take "frozen" away`,
  };
}
