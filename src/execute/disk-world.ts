import { constants, cpSync, lstatSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PipelineError, isSystemError } from '../base/error.ts';
import type { Problem } from '../base/error.ts';
import { fileNameOf } from '../base/file-name.ts';
import type { Redactor } from '../base/redact.ts';
import type { Artifact, Fingerprint, Out, RelPath, Stage, StageLock } from '../base/types.ts';
import { elapsedMs } from '../io/clock.ts';
import { readFolder, readIfExists } from '../io/files.ts';
import { setMode } from '../io/modes.ts';
import { fromSystemError } from '../io/system-error.ts';
import { gateTexts } from '../plan/decide.ts';
import { runAction } from './attempt.ts';
import type { AttemptInputs } from './attempt-inputs.ts';
import { isShared } from './checkout.ts';
import { moveIntoPlace } from './commit.ts';
import { isAsRecorded } from './facts.ts';
import { evaluateGates } from './gates.ts';
import { harvest } from './harvest.ts';
import { createInputs } from './inputs.ts';
import type { InputsOptions } from './inputs.ts';
import { forgetIncomplete } from './incomplete.ts';
import type { OpenProject } from './open-project.ts';
import { failedFolder } from './recover.ts';
import type { Restorer, ToRestore } from './restore.ts';
import { refuseUnsetSecrets } from './stage-env.ts';
import { clear, exists, layStaging, moveAside, openStaging, putBack, setAside } from './staging.ts';
import type { Laid, StagedOut, Staging } from './staging.ts';
import type { AttemptRequest, Harvested, Ran, World } from './world.ts';

export interface DiskWorldOptions
  extends OpenProject, InputsOptions, Pick<AttemptInputs, 'own' | 'conditions' | 'launcher' | 'redactor'> {
  readonly restorer: Restorer;
  /** Saves what is about to be replaced and is recorded nowhere. */
  readonly keep: (paths: readonly RelPath[]) => Promise<void>;
  /** Removes the folders of an attempt that is over. */
  readonly close: (staging: Pick<Laid, 'id' | 'folders'>) => void;
}

/** The world as it is: stage processes, staging folders, cache and lockfile of one project. */
export function createDiskWorld(options: DiskWorldOptions): World {
  const { root, stateDir, cache, runs, facts, recorder, journal, pipeline, clock, emit, redactor } = options;
  const { keep, close } = options;
  const inputs = createInputs(options);
  // Read variable by variable from the system, and thousands of stages want them all.
  const env = { ...options.env };

  async function attempt({ stage, fingerprint, signal }: AttemptRequest): Promise<Ran> {
    refuseUnsetSecrets({ env, stage });
    await inputs.verifyAtStart(stage);
    const inPlace = stage.action.kind === 'shell';
    const staging = layStaging(stage.outs, { root, id: journal.newId(), inPlace });
    if (inPlace) await keep(stage.outs.map((out) => out.path));
    const toMove = inPlace ? staging.outs.filter((out) => exists(out.home)) : [];
    journal.begin(stage.name, staging, { durable: toMove.length > 0 });
    try {
      for (const out of toMove) moveAside(out);
      openStaging(staging);
      for (const out of staging.outs) if (out.wanted.persist) startFromOld(out);
      const closure = facts.codeOf(stage);
      const { peakMemory } = await runAction({
        ...options,
        stage,
        staging,
        env,
        nowMs: fingerprint.tick === undefined ? 0 : Date.parse(fingerprint.tick),
        code: closure?.paths ?? [],
        scripts: closure?.scripts ?? new Map<string, string>(),
        packageFolders: closure?.packageFolders ?? [],
        signal,
        onStart: (leader) => journal.started(staging.id, leader),
      });
      return {
        ...(peakMemory !== undefined && { peakMemory }),
        harvest: () => takeIn(stage, staging, fingerprint),
      };
    } catch (error) {
      throw undone(error, stage, staging);
    }
  }

  async function takeIn(stage: Stage, staging: Staging<Out>, fingerprint: Fingerprint): Promise<Harvested> {
    try {
      await inputs.verifyAtEnd(stage, fingerprint);
      const result = await harvest({ stage, staging, fingerprint, cache, pipeline, facts });
      judgeGates(stage, result);
      return {
        result,
        commit: () => commit(stage, staging, result),
        discard: (why) => undone(why, stage, staging),
      };
    } catch (error) {
      throw undone(error, stage, staging);
    }
  }

  /** Undoes what failed. Why it failed is told, also when it cannot be undone: its record stands, for the next command. */
  function undone(error: unknown, stage: Stage, staging: Laid): unknown {
    try {
      return undo(stage, staging) ? tellKept(error, stage) : error;
    } catch (second) {
      if (!(second instanceof PipelineError) && !isSystemError(second)) throw second;
      if (!(error instanceof PipelineError)) return error;
      const hint = `its old outs are not back yet, the next command tries again: ${second.message}`;
      return withHint(error, hint);
    }
  }

  /** The old outs stand again; what the attempt made is kept for looking at. True when something is. */
  function undo(stage: Stage, staging: Laid): boolean {
    const failed = failedFolder(stateDir, stage.name);
    clear(failed);
    let isKept = false;
    for (const out of staging.outs) {
      if (out.made !== out.home && setAside(out.made, out.path, failed)) isKept = true;
      if (putBack(out, failed)) isKept = true;
    }
    close(staging);
    journal.remove(staging.id);
    return isKept;
  }

  async function commit(stage: Stage, staging: Laid, result: StageLock): Promise<void> {
    try {
      if (stage.action.kind === 'module') await keep(stage.outs.map((out) => out.path));
    } catch (error) {
      throw undone(error, stage, staging);
    }
    // An intent that stands is finished by recovery.
    const moved = await moveIntoPlace({
      journal,
      staging,
      result,
      failed: failedFolder(stateDir, stage.name),
      onWithdrawn: (why) => undone(why, stage, staging),
    });
    facts.noteOuts(result.outs);
    forgetIncomplete(root, result.outs);
    runs.save(result);
    // The result is safe before the record of the attempt goes.
    recorder.setStage(stage.name, result, {
      before: moved,
      after: () => journal.remove(staging.id),
    });
    close(staging);
  }

  function judgeGates(stage: Stage, { outs }: StageLock): void {
    evaluateGates(stage, outs, { read: readMetric, emit, redactor });
  }

  function readMetric({ path, hash }: Artifact): Buffer {
    const here = facts.observed(path);
    // A fresh clone has the metrics that git keeps, and no cache.
    const isOnlyHere = !cache.has(hash) && here.kind === 'file' && here.artifact.hash === hash;
    const bytes = isOnlyHere ? readIfExists(join(root, path)) : undefined;
    return bytes ?? cache.readObject(hash);
  }

  /** A private, writable copy of the old out: never one inode with a cache object. */
  function startFromOld(out: StagedOut): void {
    const old = out.made === out.home ? out.aside : out.home;
    if (!exists(old)) return;
    rmSync(out.made, { recursive: true, force: true });
    cpSync(old, out.made, { recursive: true, mode: constants.COPYFILE_FICLONE });
    makeWritable(out.made);
  }

  return {
    facts,
    look: (paths) => facts.look(paths),
    attempt,
    async restore(stage, result) {
      judgeGates(stage, result);
      const differing = result.outs.filter((out) => !isAsRecorded(facts.observed(out.path), out));
      const recorded = { ...result, gates: gateTexts(stage) };
      const outs = new Map(stage.outs.map((out) => [out.path, out]));
      const items = differing.map((artifact): ToRestore => {
        const declared = outs.get(artifact.path);
        return { artifact, sharing: declared && isShared(declared) ? 'share' : 'own' };
      });
      await options.restorer.restore(stage.name, items, {
        // An intent does not tell that its result was edited: whoever finished it would record one to be believed.
        ...(!recorded.edited && { result: recorded }),
        record: (around) => recorder.setStage(stage.name, recorded, around),
      });
    },
    judgeGates(stage, result) {
      judgeGates(stage, result);
      recorder.setStage(stage.name, { ...result, gates: gateTexts(stage) });
    },
    explain: (error) => fromSystemError(error, stateDir),
    discreet: (error) => masked(error, redactor),
    elapsedMs,
    sleep: (ms, signal) => clock.sleep(ms, signal),
    random: Math.random,
  };
}

/** Adds to an error's hint where the outs of the failed attempt are. */
function tellKept(error: unknown, stage: Stage): unknown {
  if (!(error instanceof PipelineError) || error.code === 'stage.canceled') return error;
  return withHint(error, `what it made is in .lockstep/failed/${fileNameOf(stage.name)}`);
}

function masked(error: PipelineError, redactor: Redactor): PipelineError {
  const mask = (problem: Problem): Problem => ({
    ...problem,
    message: redactor.text(problem.message),
    ...(problem.hint !== undefined && { hint: redactor.text(problem.hint) }),
  });
  const [first, ...rest] = error.problems;
  return error.retold([mask(first), ...rest.map(mask)]);
}

/** The same error, with one more thing said in the hint. */
function withHint(error: PipelineError, more: string): PipelineError {
  const [first, ...rest] = error.problems;
  return error.retold([
    { ...first, hint: first.hint === undefined ? more : `${first.hint}; ${more}` },
    ...rest,
  ]);
}

function makeWritable(path: string): void {
  const stat = lstatSync(path);
  setMode(path, stat.mode | 0o200);
  if (stat.isDirectory()) for (const entry of readFolder(path)) makeWritable(join(path, entry.name));
}
