import { PipelineError } from '../base/error.ts';
import { shellPath } from '../base/text.ts';
import type { DataInput, RelPath } from '../base/types.ts';
import type { Selection } from '../plan/plan.ts';
import { hasArtifact, isAsRecorded } from './facts.ts';
import type { DiskFacts } from './facts.ts';
import type { OpenProject } from './open-project.ts';

/** Tracked inputs that are not as they are recorded: changed, new, or gone. The facts must have looked at them. */
export function staleData({
  pipeline,
  facts,
  recorder,
}: Pick<OpenProject, 'pipeline' | 'facts' | 'recorder'>): readonly DataInput[] {
  return pipeline.data.filter(({ path }) => {
    const before = recorder.dataOf(path);
    return !before || !isAsRecorded(facts.observed(path), before);
  });
}

/** Tracked inputs that were never recorded. */
export function newData({
  pipeline,
  recorder,
}: Pick<OpenProject, 'pipeline' | 'recorder'>): readonly DataInput[] {
  return pipeline.data.filter(({ path }) => !recorder.dataOf(path));
}

/** Throws `data.forked` for tracked inputs that were edited here while the lock has moved as well. */
export function refuseForks({
  pipeline,
  facts,
  folder,
}: Pick<OpenProject, 'pipeline' | 'facts' | 'folder'>): void {
  const problems = pipeline.data
    .filter(({ path }) => facts.isForked(path))
    .map(({ path, at }) => ({
      code: 'data.forked',
      message: `the tracked input "${path}" was edited here, and pipeline.lock says something else of it than before that`,
      hint: `"lockstep checkout ${shellPath(path, folder)}" takes what pipeline.lock says, "lockstep commit ${shellPath(path, folder)}" records what is here`,
      at: [at],
    }));
  if (problems.length > 0) throw PipelineError.of(problems);
}

/**
 * Tracked inputs that selected stages read, wholly or in part, of which what the lock says is neither here nor in the cache.
 * Those that were edited are not among them.
 */
export function lostData(
  options: Pick<OpenProject, 'pipeline' | 'graph' | 'facts' | 'recorder' | 'cache'>,
  { stages }: Selection,
): readonly DataInput[] {
  const { pipeline, graph, facts, recorder, cache } = options;
  const gone = staleData(options).filter(({ path }) => isAway(path, facts));
  if (gone.length === 0) return gone;
  const deps = pipeline.stages.filter(({ name }) => stages.has(name)).flatMap((stage) => stage.deps);
  const read = new Set(deps.flatMap((dep) => graph.dataNear(dep.path)));
  return gone.filter(({ path }) => {
    const artifact = recorder.dataOf(path);
    if (artifact && hasArtifact(cache, artifact)) return false;
    // What never was recorded is missed by everybody.
    return !artifact || read.has(path);
  });
}

/** Nothing is here, or what was there before the lock moved. */
function isAway(path: RelPath, facts: DiskFacts): boolean {
  return facts.observed(path).kind === 'missing' || facts.isBehind(path);
}

function lostHint({ path, push }: DataInput, isRecorded: boolean, folder: string): string {
  const pull = `"lockstep pull ${shellPath(path, folder)}"`;
  if (!isRecorded)
    return `put the file there, or take it out of data:; where a merge lost it, copy its entry from the data: of the other side's pipeline.lock, then run ${pull}`;
  if (push) return `run ${pull}`;
  return 'copy it from the machine that has it ("push: false")';
}

/** Throws `data.missing` where `lostData` has found something. */
export function refuseLost(
  lost: readonly DataInput[],
  options: Pick<OpenProject, 'facts' | 'recorder' | 'folder'>,
): void {
  const problems = lost.map((input) => ({
    code: 'data.missing',
    message: options.facts.isBehind(input.path)
      ? `the tracked input "${input.path}" is as it was before pipeline.lock changed, and the cache lacks what that says`
      : `the tracked input "${input.path}" is neither here nor in the cache`,
    hint: lostHint(input, options.recorder.dataOf(input.path) !== undefined, options.folder),
    at: [input.at],
  }));
  if (problems.length > 0) throw PipelineError.of(problems);
}
