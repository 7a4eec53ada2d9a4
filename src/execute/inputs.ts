import type { PipelineError } from '../base/error.ts';
import type { Fingerprint, Stage } from '../base/types.ts';
import { lstatIfExists } from '../io/files.ts';
import type { OpenProject } from './open-project.ts';
import { stageError } from './stage-error.ts';

export interface InputsOptions extends Pick<OpenProject, 'stateDir' | 'facts'> {
  /** A parameter that is no longer what a stage was planned with. */
  readonly changedParam: (stage: Stage) => Promise<string | undefined>;
}

/** Holds what a stage reads to what it was planned with. Throws `code.changed`, `params.changed`, at the end also `dep.changed`, `project.gone`. */
export interface Inputs {
  /** Deps were looked at just before. */
  verifyAtStart(stage: Stage): Promise<void>;
  verifyAtEnd(stage: Stage, fingerprint: Fingerprint): Promise<void>;
}

export function createInputs({ stateDir, facts, changedParam }: InputsOptions): Inputs {
  async function verifyDeps(stage: Stage, fingerprint: Fingerprint): Promise<void> {
    await facts.look(stage.deps.map((dep) => dep.path));
    const before = new Map(fingerprint.deps.map(({ path, hash }) => [path, hash]));
    for (const dep of stage.deps) {
      const here = facts.observed(dep.path);
      if (here.kind !== 'missing' && here.kind !== 'refused' && here.artifact.hash === before.get(dep.path))
        continue;
      throw stageError(
        stage,
        'dep.changed',
        `"${dep.path}" changed while stage "${stage.name}" was reading it`,
        {
          at: dep.at,
          hint: `run again; if "${stage.name}" itself writes to it, let it change a copy: a dep must stand still while a stage runs`,
        },
      );
    }
  }

  async function verifyAtStart(stage: Stage): Promise<void> {
    const code = facts.changedCode(stage);
    if (code !== undefined)
      throw changed('code.changed', code, stage, 'run again; its code is not what it was planned with');
    // A module is given the values; a command reads them where they stand.
    const param = stage.action.kind === 'shell' ? await changedParam(stage) : undefined;
    if (param !== undefined)
      throw changed(
        'params.changed',
        param,
        stage,
        'run again; a command may read its params files itself, and their values must stand still until it ends',
      );
  }

  return {
    verifyAtStart,
    async verifyAtEnd(stage, fingerprint) {
      // What is made below a path that is gone would be the beginning of a second project.
      if (!lstatIfExists(stateDir))
        throw stageError(
          stage,
          'project.gone',
          `"${stateDir}" was moved or removed before stage "${stage.name}" was done`,
          { hint: 'run again where the project is now; it must stand still while a command works in it' },
        );
      await verifyDeps(stage, fingerprint);
      await verifyAtStart(stage);
    },
  };
}

function changed(code: string, what: string, stage: Stage, hint: string): PipelineError {
  return stageError(stage, code, `"${what}" changed before stage "${stage.name}" was done`, { hint });
}
