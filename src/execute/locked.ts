import { PipelineError } from '../base/error.ts';
import type { Problem } from '../base/error.ts';
import { formatReason } from '../base/reason.ts';
import type { Reason } from '../base/reason.ts';
import { shellPath } from '../base/text.ts';
import type { Fingerprint, Stage, StageLock, StageName } from '../base/types.ts';
import { compareFingerprints } from '../plan/compare.ts';
import { judge } from '../plan/plan.ts';
import type { Judging, Known, Plan } from '../plan/plan.ts';
import { staleData } from './data.ts';
import { partOf } from './incomplete.ts';
import type { Recorder } from './recorder.ts';
import { stageError } from './stage-error.ts';
import type { Harvested, World } from './world.ts';

/**
 * `--locked`: every difference from the lock that is known before anything runs, at once. What a stage waits for can only
 * become what the lock says. Throws `locked.differs` and `locked.missing`.
 */
export function refuseUnlocked(plan: Plan, recorder: Recorder, judging: Omit<Judging, 'known'>): void {
  const known = new Map<StageName, Known>();
  const problems: Problem[] = [];
  for (const { stage, fingerprint } of plan.judgements) {
    const locked = recorder.lockOf(stage.name);
    if (!locked) problems.push(notLocked(stage));
    else {
      const expected = fingerprint ?? judge(stage.name, { ...judging, known }).fingerprint;
      if (expected) problems.push(...differences(stage, locked, expected));
      known.set(stage.name, { outs: locked.outs, placed: false });
    }
  }
  if (problems.length > 0) throw PipelineError.of(problems);
}

/**
 * `--locked`: every tracked input that is here otherwise than the lock says; one that is gone, or that the lock has left
 * behind, comes back, of one that is here in part by intent all that is here is as recorded. Throws `locked.differs` and `locked.missing`.
 */
export async function refuseUnlockedData(
  options: Parameters<typeof staleData>[0] & { readonly root: string; readonly folder: string },
): Promise<void> {
  const { root, folder, pipeline, facts, recorder } = options;
  await facts.lookOnce(pipeline.data.map(({ path }) => path));
  const changed = staleData(options).filter(
    ({ path }) =>
      facts.observed(path).kind !== 'missing' &&
      !facts.isBehind(path) &&
      !partOf(root, facts, recorder.dataOf(path)),
  );
  const problems = changed.map(({ path, at }): Problem => {
    const isRecorded = recorder.dataOf(path) !== undefined;
    return {
      code: isRecorded ? 'locked.differs' : 'locked.missing',
      message: `the tracked input "${path}" is not ${isRecorded ? 'what pipeline.lock says' : 'in pipeline.lock'}`,
      hint: isRecorded
        ? `"lockstep checkout ${shellPath(path, folder)}" brings the recorded one back; or run "lockstep repro" without --locked and commit the lock`
        : RECORD,
      at: [at],
    };
  });
  if (problems.length > 0) throw PipelineError.of(problems);
}

/** A world that runs only what the lock says and takes only bytes that the lock names. */
export function lockedWorld(world: World, recorder: Recorder): World {
  return {
    ...world,
    async attempt(request) {
      const { stage, fingerprint } = request;
      const locked = recorder.lockOf(stage.name);
      const [problem] = locked ? differences(stage, locked, fingerprint) : [notLocked(stage)];
      if (problem) throw PipelineError.of([problem]);
      const ran = await world.attempt(request);
      return { ...ran, harvest: async () => accept(stage, locked, await ran.harvest()) };
    },
  };
}

/** Throws `locked.not-reproduced` for other bytes than the lock's, or where another out is executable. */
function accept(stage: Stage, locked: StageLock | undefined, harvested: Harvested): Harvested {
  for (const { path, hash, exec } of harvested.result.outs) {
    const recorded = locked?.outs.find((one) => one.path === path);
    if (hash !== recorded?.hash)
      throw harvested.discard(notReproduced(stage, `made other bytes of "${path}" than pipeline.lock says`));
    if (exec !== recorded.exec)
      throw harvested.discard(
        notReproduced(
          stage,
          `made "${path}" ${exec ? '' : 'not '}executable, unlike what pipeline.lock says`,
        ),
      );
  }
  return harvested;
}

function notReproduced(stage: Stage, what: string): PipelineError {
  return stageError(stage, 'locked.not-reproduced', `stage "${stage.name}" ${what}`, {
    hint: 'a stage must not depend on what it does not declare',
  });
}

const RECORD = 'run "lockstep repro" without --locked and commit the lock';

function notLocked(stage: Stage): Problem {
  return {
    code: 'locked.missing',
    message: `stage "${stage.name}" is not in pipeline.lock`,
    hint: RECORD,
    at: [stage.at],
  };
}

/** None for a frozen stage: it never runs, and what is recorded of it stands whatever it was made from. */
function differences(stage: Stage, locked: StageLock, fingerprint: Fingerprint): readonly Problem[] {
  if (stage.policy.frozen) return [];
  const reasons: readonly Reason[] = locked.edited
    ? [{ kind: 'record-edited' }]
    : compareFingerprints(locked.fingerprint, fingerprint);
  if (reasons.length === 0) return [];
  return [
    {
      code: 'locked.differs',
      message: `stage "${stage.name}" is not what pipeline.lock says: ${reasons.map(formatReason).join('; ')}`,
      hint: 'run "lockstep repro" without --locked and commit the lock with the change',
      at: [stage.at],
    },
  ];
}
