import { PipelineError } from './base/error.ts';
import { canonicalJson } from './base/hash.ts';
import type { Lock, Pipeline, Stage, StageLock } from './base/types.ts';
import type { Remotes } from './read/remotes.ts';
import { EMPTY_LOCK, LOCKFILE, parseLock } from './record/lockfile.ts';
import type { Snapshot } from './record/snapshot.ts';
import type { ProjectFiles } from './store/project-files.ts';

/*
 * The text files of a project, which are parsed again only when their bytes changed: what does the parsing is loaded then.
 */

/** Throws all problems of pipeline.yaml and what belongs to it. */
export async function readPipelineOnce(snapshot: Snapshot, { load }: ProjectFiles): Promise<Pipeline> {
  const known = snapshot.get('pipeline') as Pipeline | undefined;
  if (known) return known;
  const { readPipeline } = await import('./read/pipeline.ts');
  const { pipeline, problems, files } = readPipeline({ load });
  if (!pipeline) throw PipelineError.of(problems);
  snapshot.set('pipeline', files, pipeline);
  return pipeline;
}

/** A parameter of a stage of which the files now say something else than it was planned with, or that they no longer have. */
export type FindChangedParam = (stage: Stage) => Promise<string | undefined>;

/** `open` opens the files as they are now. */
export function createChangedParams(snapshot: Snapshot, open: () => ProjectFiles): FindChangedParam {
  /** What they said when they were last read again; thousands of stages may ask after one edit. */
  let read: { readonly of: string; readonly stages: ReadonlyMap<string, Stage> } | undefined;

  async function stagesNow(
    asked: readonly string[],
    files: ProjectFiles,
  ): Promise<ReadonlyMap<string, Stage>> {
    const of = JSON.stringify(asked.map((file) => files.hashOf(file)));
    if (read?.of !== of) {
      const { readPipeline } = await import('./read/pipeline.ts');
      const { pipeline } = readPipeline(files);
      read = { of, stages: new Map(pipeline?.stages.map((stage) => [stage.name, stage])) };
    }
    return read.stages;
  }

  return async ({ name, params }) => {
    const planned = snapshot.filesOf('pipeline');
    const files = open();
    if (params.every(({ file }) => files.hashOf(file) === planned[file])) return undefined;
    const now = (await stagesNow(Object.keys(planned), files)).get(name)?.params ?? [];
    const values = new Map(now.map((param) => [idOf(param), canonicalJson(param.value)]));
    const changed = params.find((param) => values.get(idOf(param)) !== canonicalJson(param.value));
    return changed && (changed.key ?? changed.file);
  };
}

function idOf({ file, key }: Stage['params'][number]): string {
  return JSON.stringify([file, key]);
}

/** An empty lock where there is none; `folder` as in `parseLock`. */
export async function readLockOnce(
  snapshot: Snapshot,
  { load }: ProjectFiles,
  folder: string,
): Promise<Lock> {
  const known = snapshot.get('lock') as KeptLock | undefined;
  if (known) return { stages: new Map(known.stages), data: known.data };
  const bytes = load(LOCKFILE);
  if (bytes === undefined) return EMPTY_LOCK;
  const lock = await parseLock(Buffer.from(bytes).toString('utf8'), folder);
  snapshot.set('lock', [LOCKFILE], toKept(lock));
  return lock;
}

/** No remotes where there is no remotes.yaml. Throws all its problems. */
export async function readRemotesOnce(
  snapshot: Snapshot,
  { load }: ProjectFiles,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Remotes> {
  const known = snapshot.get('remotes') as Remotes | undefined;
  if (known) return known;
  const { readRemotes } = await import('./read/remotes.ts');
  const { remotes, problems, files, isFixed } = readRemotes({ load, env: (name) => env[name] });
  if (!remotes) throw PipelineError.of(problems);
  // What comes from the environment may be a secret, and has no place on the disk.
  if (isFixed) snapshot.set('remotes', files, remotes);
  return remotes;
}

/** Keeps what a lock says whose text has been written. */
export function keepLock(snapshot: Snapshot, text: string, lock: Lock): void {
  snapshot.setText('lock', LOCKFILE, text, toKept(lock));
}

interface KeptLock {
  readonly stages: readonly (readonly [string, StageLock])[];
  readonly data: Lock['data'];
}

function toKept(lock: Lock): KeptLock {
  return { stages: [...lock.stages], data: lock.data };
}
