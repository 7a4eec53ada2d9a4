import type { Remote } from '../base/remote.ts';
import { EXIT, PipelineError } from '../base/error.ts';
import type { ExitCode, Problem } from '../base/error.ts';
import { pathOfWord, wordOfPath } from '../base/path.ts';
import { didYouMean } from '../base/text.ts';
import type { Out, RelPath, StageLock, StageName } from '../base/types.ts';
import { lockedArtifacts } from '../execute/checkout.ts';
import type { LockedArtifact } from '../execute/checkout.ts';
import { findTarget } from '../plan/select.ts';
import type { Project } from '../project.ts';
import type { CommandContext } from './command.ts';
import { chooseRemote, configOf, withRemote } from './remotes.ts';

/** What one transfer is about: a remote and the artifacts that go to it. */
export interface Route {
  readonly name: string;
  readonly artifacts: readonly LockedArtifact[];
  /** True when each out of a run-cache result may go there; others are kept to themselves or to another remote. */
  readonly takes: (result: StageLock) => boolean;
}

export interface Routing {
  /** The remote named on the command line, instead of the default one. */
  readonly asked: string | undefined;
  /** Run-cache entries move too, so the default remote is concerned whatever the outs say. */
  readonly runCache: boolean;
  /** Out and data paths; without them, what the words of the command line mean. */
  readonly only?: ReadonlySet<RelPath>;
  /** How many requests may be under way at once, instead of what the remotes' options say. */
  readonly jobs?: number | undefined;
}

/** A remote that failed as a whole. */
export interface Failure {
  readonly artifacts: readonly LockedArtifact[];
  readonly error: PipelineError;
}

/**
 * Opens one remote after the other that the named stages and paths (else all that the lock names) belong to. One that fails is
 * told, and does not stop the others.
 */
export async function eachRemote(
  context: CommandContext,
  project: Project,
  routing: Routing,
  act: (remote: Remote, route: Route) => Promise<void>,
): Promise<readonly Failure[]> {
  const { root, clock, emit, signal } = project;
  const remotes = await project.remotes();
  const only = routing.only ?? pathsOf(context.args, project);
  const { asked } = routing;
  const locked = lockedArtifacts(project.pipeline, project.recorder);
  const wanted = locked.filter(
    ({ artifact, push }) => push && (only === undefined || only.has(artifact.path)),
  );
  const needsDefault =
    asked !== undefined ||
    routing.runCache ||
    wanted.length === 0 ||
    wanted.some((item) => item.remote === undefined);
  const fallback = needsDefault ? chooseRemote(remotes, asked) : undefined;
  if (locked.length === 0 && !routing.runCache) emit({ type: 'warned', problem: NOTHING_RECORDED });
  const routes = new Map<string, LockedArtifact[]>(fallback === undefined ? [] : [[fallback, []]]);
  for (const item of wanted) {
    const name = placeOf(item, asked, fallback);
    if (name === undefined) continue;
    const route = routes.get(name);
    if (route) route.push(item);
    else routes.set(name, [item]);
  }
  // Nothing moves to one while another is known to be wrong.
  for (const name of routes.keys()) configOf(remotes, name);
  const failures: Failure[] = [];
  for (const [name, artifacts] of routes) {
    const takes = (result: StageLock): boolean =>
      outsOf(project, result)?.every(
        (out) => placeOf(out, asked, fallback) === name && (only === undefined || only.has(out.path)),
      ) === true;
    const choice = { root, remotes, name, taken: outsAndData(project), clock, emit, jobs: routing.jobs };
    try {
      await withRemote(context, choice, (remote) => act(remote, { name, artifacts, takes }));
    } catch (error) {
      if (!(error instanceof PipelineError) || !error.code.startsWith('remote.') || signal.aborted)
        throw error;
      context.tell(error);
      failures.push({ artifacts, error });
    }
  }
  return failures;
}

/** How a transfer ended: as its failures do where they are of one kind; `complete`: nothing else was amiss. */
export function exitOf(failures: readonly Failure[], complete: boolean): ExitCode {
  const [first, ...rest] = failures.map(({ error }) => error.exit);
  if (first === undefined) return complete ? EXIT.ok : EXIT.failed;
  return rest.every((exit) => exit === first) ? first : EXIT.failed;
}

const NOTHING_RECORDED: Problem = {
  code: 'lock.empty',
  message: 'pipeline.lock names no outs and no data of this pipeline, so there is nothing to move',
  hint: 'run "lockstep repro" and commit pipeline.lock where that has been done',
};

/**
 * The one remote of an out or data: its own, else `fallback`; none with `push: false`, nor for one that is kept to another
 * remote than the one that the command line asks for.
 */
export function placeOf(
  { push, remote }: Pick<LockedArtifact, 'push' | 'remote'>,
  asked: string | undefined,
  fallback: string | undefined,
): string | undefined {
  if (!push || (asked !== undefined && remote !== undefined && remote !== asked)) return undefined;
  return remote ?? fallback;
}

/** The declared outs of the stage that a result is of: the one whose outs are exactly the result's. */
function outsOf({ graph }: Project, result: StageLock): readonly Out[] | undefined {
  const paths = new Set<string>(result.outs.map((out) => out.path));
  const [first] = paths;
  // One without outs has none that is kept to itself.
  const outs = first === undefined ? [] : (graph.ownerOf(first)?.outs ?? []);
  return outs.length === paths.size && outs.every((out) => paths.has(out.path)) ? outs : undefined;
}

/** The out and data paths that words of a command line mean; `undefined` for all when there are none. */
export function pathsOf(words: readonly string[], project: Project): ReadonlySet<RelPath> | undefined {
  if (words.length === 0) return undefined;
  const { graph, folder } = project;
  const paths = new Set<RelPath>();
  for (const word of words) {
    const path = pathOfWord(word, folder);
    if (path === '') return undefined;
    if (graph.ownerOf(path) || graph.dataAround(path) === path) {
      paths.add(path as RelPath);
      continue;
    }
    for (const name of stagesOf(word, project))
      for (const one of graph.stages.get(name)?.outs ?? []) paths.add(one.path);
  }
  return paths;
}

/** The paths of everything that a lock may name. */
export function outsAndData({ pipeline }: Pick<Project, 'pipeline'>): readonly RelPath[] {
  return [...pipeline.data, ...pipeline.stages.flatMap((stage) => stage.outs)].map(({ path }) => path);
}

/** The stages a word means; a word that looks like a path is told as one when it means none. */
function stagesOf(word: string, project: Project): readonly StageName[] {
  try {
    return findTarget(project.graph, word, project.folder);
  } catch (error) {
    if (!(error instanceof PipelineError) || !/[/.*?]/.test(word)) throw error;
    throw new PipelineError(error.code, `no stage, out or data is called "${word}"`, {
      exit: error.exit,
      hint:
        didYouMean(
          word,
          outsAndData(project).map((path) => wordOfPath(path, project.folder)),
        ) ?? 'the outs stand in pipeline.yaml; "lockstep dag" shows the stages',
    });
  }
}
