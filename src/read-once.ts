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

/**
 * A parameter of which the files now say something else than the stage was planned with, or that they no longer have; `files`
 * must not have been asked for them before.
 */
export async function findChangedParam(
  snapshot: Snapshot,
  files: ProjectFiles,
  { name, params }: Stage,
): Promise<string | undefined> {
  const planned = snapshot.filesOf('pipeline');
  if (params.every(({ file }) => files.hashOf(file) === planned[file])) return undefined;
  const { readPipeline } = await import('./read/pipeline.ts');
  const now = readPipeline(files).pipeline?.stages.find((stage) => stage.name === name);
  const isSame = ({ file, key, value }: Stage['params'][number]): boolean =>
    now?.params.some(
      (one) => one.file === file && one.key === key && canonicalJson(one.value) === canonicalJson(value),
    ) === true;
  const changed = params.find((param) => !isSame(param));
  return changed && (changed.key ?? changed.file);
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
