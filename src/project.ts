import { join } from 'node:path';
import { PipelineError } from './base/error.ts';
import type { Emit } from './base/event.ts';
import type { Lock, RelPath } from './base/types.ts';
import { createFacts } from './execute/facts.ts';
import type { OpenProject } from './execute/open-project.ts';
import { createRecorder } from './execute/recorder.ts';
import { lookAgain, settledBy } from './execute/settle.ts';
import { findTicks } from './execute/ticks.ts';
import type { Ticks } from './execute/ticks.ts';
import type { Workbench } from './execute/workbench.ts';
import {
  CALENDARS,
  PACKAGE,
  engineOf,
  layGround,
  pathOfSettled,
  runsFromSource,
  saveWhatIsCheap,
} from './ground.ts';
import type { Ground } from './ground.ts';
import { createHolds } from './holds.ts';
import type { Clock } from './io/clock.ts';
import type { MutexMode } from './io/mutex.ts';
import { createExecuteBit } from './io/modes.ts';
import { markMutex, pathOfMutex } from './io/mutex-mark.ts';
import { keepYoungHeapSmall } from './io/young-heap.ts';
import { buildGraph } from './plan/graph.ts';
import type { Graph } from './plan/graph.ts';
import { pathsToLookAt } from './plan/look-at.ts';
import { makePlan } from './plan/plan.ts';
import type { Facts, Plan, Selection } from './plan/plan.ts';
import { selectStages } from './plan/select.ts';
import { LOCKFILE } from './record/lockfile.ts';
import { areIgnored, gitignoresOf, ignorePaths, pathsToIgnore } from './record/gitignore.ts';
import { createRunCache } from './record/runs.ts';
import { readSettled, writeSettled } from './record/settled.ts';
import { noteStood } from './record/stood.ts';
import type { Settled } from './record/settled.ts';
import { createSnapshot } from './record/snapshot.ts';
import {
  createChangedParams,
  keepLock,
  readLockOnce,
  readPipelineOnce,
  readRemotesOnce,
} from './read-once.ts';
import type { Remotes } from './read/remotes.ts';
import { corruptFound, createCache } from './store/cache.ts';
import { createObserver } from './store/observe.ts';
import { createProjectFiles } from './store/project-files.ts';

export interface ProjectOptions {
  /** Any folder of the project. */
  readonly dir: string;
  /** The process's environment; nothing below this file reads `process.env`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What we say we are doing, for those who wait for us. */
  readonly command: string;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  /** How long to wait for another lockstep (ms). */
  readonly waitMs: number;
  /** `--locked`: the recorded ticks are used and the lock is not written. */
  readonly locked?: boolean;
  /** `--force`: what it names, by which those stages take the tick of the clock. */
  readonly forced?: readonly string[];
}

/** The project was read before it changed: thrown by `takeWorkspace`, when nothing has been done yet. */
export class ProjectChanged extends Error {}

/** A pipeline on disk with all its rooms: the composition root. Close it, or what it learned is lost. */
export interface Project extends OpenProject {
  /** What remotes.yaml says. Throws all its problems at once. */
  remotes(): Promise<Remotes>;
  /** What changes the project; loaded when first asked for. */
  workbench(): Promise<Workbench>;
  /**
   * Looks at paths where that was not done yet. What is seen before the workspace is taken holds in it too, unless somebody
   * else held it meanwhile.
   */
  look(paths: readonly RelPath[]): Promise<void>;
  /** Looks at the disk and judges the selected stages; `as`: by other facts than the disk's own. */
  plan(selection: Selection, as?: Facts): Promise<Plan>;
  /**
   * Where all stands that the selected stages are judged by, as far as that was found out by now, but for the lock: text files,
   * deps, outs, data and code, each also where nothing is. A folder stands for all in it.
   */
  judgedBy(selection: Selection): readonly string[];
  /**
   * Takes the workspace for writing, cleans up after runners that died, and keeps what we make out of git. Given back
   * before all that was recorded is on the disk, it and the cache are held until the project is closed. Throws
   * `ProjectChanged` where pipeline.yaml, or what belongs to it, is not what was read: the wait may have been long.
   */
  takeWorkspace(): Promise<Disposable>;
  /** Takes the cache: shared for adding and reading, exclusive for removing. */
  takeCache(mode: MutexMode): Promise<Disposable>;
  /** True when a runner died and left something to clean up. */
  needsRecovery(): boolean;
  /** True when all that lockstep keeps is in a `.gitignore`; `takeWorkspace` sees to it, but for what git tracks. */
  isIgnored(): boolean;
  /** Notes that all stages were found fresh, for `openUnlessSettled`. */
  noteSettled(): void;
  close(): Promise<void>;
}

/** That there is nothing to do. */
export type Answer = Pick<Settled, 'pipeline' | 'stages'> & { readonly clock: Clock };

/** Opens a project: reads its files (or their snapshot), joins the stages, opens lock, cache and memo. */
export async function openProject(options: ProjectOptions): Promise<Project> {
  return openOn(layGround(options, false), options);
}

/**
 * The same, unless the last such call found nothing to do in the whole project, and all that this was judged by is as it was:
 * then that is the answer, without the pipeline being read or judged.
 */
export async function openUnlessSettled(
  options: ProjectOptions,
): Promise<Project | { readonly answer: Answer }> {
  const ground = layGround(options, true);
  const { root, stateDir, clock, machine, memo, files, code, journal } = ground;
  const settled = readSettled(pathOfSettled(stateDir), engineOf());
  if (!settled || journal.orphans().length > 0) return openOn(ground, options);
  const workspace = pathOfMutex(stateDir, 'workspace');
  const looked = markMutex(workspace, machine);
  const { isSame, found } = await lookAgain(settled, {
    hashOf: (file) => files.hashOf(file),
    observer: createObserver({
      root,
      cache: { memo, clock: machine, isExecutable: createExecuteBit(workspace) },
      algorithm: settled.algorithm,
      signal: options.signal,
    }),
    code,
    env: options.env,
    nowMs: clock.now(),
  });
  if (!isSame) return openOn({ ...ground, seen: { found, looked } }, options);
  memo.lookAtAll();
  saveWhatIsCheap(stateDir, [() => memo.save()]);
  return { answer: { ...settled, clock } };
}

/** From so many on what is made on the way to a plan would take a third of the memory. */
const MANY_STAGES = 10_000;

async function openOn(ground: Ground, options: ProjectOptions): Promise<Project> {
  const { root, folder, stateDir, clock, machine, memo, files, code, journal } = ground;
  const { env, emit, signal } = options;
  const snapshot = createSnapshot(join(stateDir, 'snapshot'), engineOf(), files);
  const pipeline = await readPipelineOnce(snapshot, files);
  if (pipeline.stages.length > MANY_STAGES) keepYoungHeapSmall();
  const { graph, problems } = buildGraph(pipeline);
  if (!graph) throw PipelineError.of(problems);
  const lock = await readLockOnce(snapshot, files, folder);
  const ticksBy = (recorded: Lock): Promise<Ticks> =>
    findTicks(pipeline, {
      lock: recorded,
      snapshot,
      clock,
      emit,
      calendars: CALENDARS,
      locked: options.locked === true,
      forced: options.forced ? forcedStages(graph, options.forced, folder) : new Set(),
    });
  let ticks = await ticksBy(lock);
  const cache = createCache({
    dir: stateDir,
    workspace: root,
    memo,
    clock: machine,
    onCorrupt: (hash) => emit({ type: 'warned', problem: corruptFound(hash) }),
  });
  const runs = createRunCache(stateDir);
  const recorder = createRecorder({
    root,
    initial: lock,
    initialHash: files.hashOf(LOCKFILE),
    folder,
    readOnly: options.locked === true,
    // What was pulled is in no run cache here.
    onForget: (result) => runs.keep(result),
    requireWorkspace: () => holds.requireWorkspace(),
  });
  const facts = createFacts({
    root,
    stateDir,
    pipeline,
    cache,
    runs,
    recorder,
    code,
    env,
    signal,
    tickOf: (name) => ticks.of.get(name),
  });
  if (ground.seen) facts.noteSeen(ground.seen.found);

  const holds = createHolds({
    ...options,
    stateDir,
    clock,
    machine,
    isPending: () => recorder.isPending(),
    looked: ground.seen?.looked,
  });
  let workbench: Promise<Workbench> | undefined;
  const openWorkbench = async (): Promise<Workbench> => {
    const { createWorkbench } = await import('./execute/workbench.ts');
    const own = runsFromSource()
      ? { root: PACKAGE, child: 'src/execute/child.ts', api: 'src/index.ts' }
      : { root: PACKAGE, child: 'dist/child.js', api: 'dist/index.js' };
    return createWorkbench({
      ...project,
      own,
      conditions: runsFromSource() ? ['lockstep-source'] : [],
      launcherEntry: join(PACKAGE, runsFromSource() ? 'src/io/launcher-process.ts' : 'dist/launcher.js'),
      changedParam: createChangedParams(snapshot, () => createProjectFiles({ root, memo, clock: machine })),
    });
  };

  async function enterWorkspace(): Promise<void> {
    // Whoever held it before may have written another lock.
    const hasMoved = await recorder.catchUp();
    const now = createProjectFiles({ root, memo, clock: machine });
    const read = Object.entries(snapshot.filesOf('pipeline'));
    if (read.some(([file, hash]) => now.hashOf(file) !== hash)) throw new ProjectChanged();
    // While we waited boundaries may have passed, and a later tick than ours be recorded.
    if (hasMoved) ticks = await ticksBy(recorder.lock());
    if (project.needsRecovery()) facts.forget();
    const workbench = await project.workbench();
    await workbench.recover();
    if (project.isIgnored()) return;
    const { gitPlace } = await import('./execute/repository.ts');
    const { trackedAmong } = await import('./execute/tracked.ts');
    // With a line for what git has the project would look settled, and no later run would refuse it.
    const paths = pathsToIgnore(pipeline);
    const tracked = trackedAmong(gitPlace(root, env), paths);
    const ours = paths.filter((path) => !tracked.has(path));
    ignorePaths(root, ours);
  }

  let settled: Settled | undefined;
  /** All tracked inputs are what the lock says of them. */
  let isAsRecorded = false;
  const settledNow = (): Settled | undefined => {
    const ignores = gitignoresOf(pathsToIgnore(pipeline)).map((path) => [path, ground.files.hashOf(path)]);
    const files = {
      [LOCKFILE]: null,
      ...snapshot.filesOf('pipeline'),
      ...snapshot.filesOf('lock'),
      ...Object.fromEntries(ignores),
    };
    return settledBy({ ...project, files, code, ticks });
  };

  const project: Project = {
    root,
    folder,
    stateDir,
    pipeline,
    graph,
    clock,
    env,
    emit,
    signal,
    cache,
    runs,
    recorder,
    journal,
    facts,
    remotes: () => readRemotesOnce(snapshot, files, env),
    workbench: () => (workbench ??= openWorkbench()),
    look(paths) {
      holds.noteLook();
      return facts.lookOnce(paths);
    },
    async plan(selection, as = facts) {
      holds.noteLook();
      await facts.prepare(pipeline.stages.filter((stage) => selection.stages.has(stage.name)));
      if (selection.stages.size === graph.stages.size) memo.lookAtAll();
      await project.look(pathsToLookAt(pipeline, graph, selection));
      return makePlan(graph, selection, as);
    },
    judgedBy: (selection) => [
      ...Object.keys(snapshot.filesOf('pipeline')),
      ...pathsToLookAt(pipeline, graph, selection),
      ...code.asked(),
    ],
    async takeWorkspace() {
      // What another command may have moved while we looked is looked at again.
      const mutex = await holds.takeWorkspace(() => facts.forget());
      try {
        await enterWorkspace();
      } catch (error) {
        mutex[Symbol.dispose]();
        throw error;
      }
      return mutex;
    },
    takeCache: (mode) => holds.takeCache(mode),
    needsRecovery: () => journal.orphans().length > 0,
    isIgnored: () => areIgnored(root, pathsToIgnore(pipeline)),
    noteSettled() {
      isAsRecorded = true;
      if (ground.keepsSettled) settled = settledNow();
    },
    async close() {
      try {
        if (workbench) (await workbench).close();
        await recorder.flush();
      } finally {
        holds.release();
      }
      const text = recorder.writtenText();
      if (text !== undefined) keepLock(snapshot, text, recorder.lock());
      saveWhatIsCheap(stateDir, [
        () => memo.save(),
        () => code.save(),
        () => snapshot.save(),
        // While they are the same: an older lockstep did not note it.
        () => isAsRecorded && noteStood(stateDir, recorder.data()),
        () => settled && writeSettled(pathOfSettled(stateDir), engineOf(), settled),
      ]);
    },
  };
  return project;
}

function forcedStages(graph: Graph, targets: readonly string[], folder: string): Selection['forced'] {
  return selectStages(graph, { targets, folder, downstream: false, single: true, force: true }).forced;
}
