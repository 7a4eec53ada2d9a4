import { join } from 'node:path';
import { PipelineError, isSystemError } from '../../base/error.ts';
import { wordOfPath } from '../../base/path.ts';
import { readIfExists, statIfExists } from '../../io/files.ts';
import { engineOf, findPlace } from '../../ground.ts';
import { listRuns } from '../../record/history.ts';
import { createSnapshot, readFiles } from '../../record/snapshot.ts';
import type { Snapshot } from '../../record/snapshot.ts';
import type { CommandContext } from '../command.ts';

/** Names of a project that words of a command line may be. */
export interface ProjectNames {
  readonly stages: readonly string[];
  /** Outs and data, as they are typed in the folder that was asked about. */
  readonly paths: readonly string[];
  readonly remotes: readonly string[];
  /** Newest first. */
  readonly runs: readonly string[];
}

const NONE: ProjectNames = { stages: [], paths: [], remotes: [], runs: [] };
const MAX_RUNS = 20;

type Load = (path: string) => Uint8Array | undefined;
type Pipelines = Pick<ProjectNames, 'stages' | 'paths'>;

/**
 * The names of the project that a folder belongs to; none where there is no project. They are kept in `.lockstep`
 * for as long as no file they come from changes, so that a key stroke parses no YAML. What cannot be read has no names.
 */
export async function projectNames(dir: string, env: CommandContext['env']): Promise<ProjectNames> {
  try {
    const { root, folder } = findPlace(dir);
    const stateDir = join(root, '.lockstep');
    const load: Load = (path) => readIfExists(join(root, path));
    const snapshot = createSnapshot(join(stateDir, 'completion'), engineOf(), readFiles(load));
    const pipeline = await readPipelineNames(snapshot, load);
    const remotes = await readRemoteNames(snapshot, load, env);
    // A key stroke makes no folder in a fresh clone.
    if (statIfExists(stateDir)) snapshot.save();
    return {
      stages: pipeline.stages,
      paths: pipeline.paths.map((path) => wordOfPath(path, folder)),
      remotes,
      runs: listRuns(stateDir).slice(0, MAX_RUNS),
    };
  } catch (error) {
    if (error instanceof PipelineError || isSystemError(error)) return NONE;
    throw error;
  }
}

async function readPipelineNames(snapshot: Snapshot, load: Load): Promise<Pipelines> {
  const known = snapshot.get('pipeline') as Pipelines | undefined;
  if (known) return known;
  const { readPipeline } = await import('../../read/pipeline.ts');
  const { pipeline, files } = readPipeline({ load });
  if (!pipeline) return NONE;
  const names: Pipelines = {
    stages: pipeline.stages.map((stage) => stage.name),
    paths: [
      ...pipeline.data.map((input) => input.path),
      ...pipeline.stages.flatMap((stage) => stage.outs.map((out) => out.path)),
    ],
  };
  snapshot.set('pipeline', files, names);
  return names;
}

async function readRemoteNames(
  snapshot: Snapshot,
  load: Load,
  env: CommandContext['env'],
): Promise<readonly string[]> {
  const known = snapshot.get('remotes') as readonly string[] | undefined;
  if (known) return known;
  const { readRemotes } = await import('../../read/remotes.ts');
  const { remotes, files } = readRemotes({ load, env: (name) => env[name] });
  if (!remotes) return [];
  const names = Object.keys(remotes.remotes);
  snapshot.set('remotes', files, names);
  return names;
}
