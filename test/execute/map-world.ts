import { EXIT, PipelineError } from '../../src/base/error.ts';
import type { EventBody } from '../../src/base/event.ts';
import { canonicalJson } from '../../src/base/hash.ts';
import type { Artifact, Json, StageLock, StageName } from '../../src/base/types.ts';
import { runPlan } from '../../src/execute/run.ts';
import type { RunResult } from '../../src/execute/run.ts';
import type { World } from '../../src/execute/world.ts';
import { fromSystemError } from '../../src/io/system-error.ts';
import { buildGraph } from '../../src/plan/graph.ts';
import { makePlan } from '../../src/plan/plan.ts';
import type { Facts } from '../../src/plan/plan.ts';
import { rankStages } from '../../src/plan/priority.ts';
import { selectStages } from '../../src/plan/select.ts';
import { readPipeline } from '../../src/read/pipeline.ts';

/** What one attempt of a stage does: the content of its outs (a function of its deps by default), or an error. */
export type Act = (attempt: number, signal: AbortSignal) => string | Error | Promise<string | Error>;

/** A world backed by maps: what is on its disk, what is locked, what each stage does, and what has happened. */
export interface MapWorld {
  /** Path → content. */
  readonly files: Map<string, string>;
  readonly locked: Map<string, StageLock>;
  readonly acts: Map<string, Act>;
  /** Stages whose result the cache has lost. */
  readonly lost: Set<string>;
  /** Outs whose objects are found damaged when they are restored, and leave the cache then. */
  readonly damaged: Set<string>;
  /** Folders whose lists of files are damaged. */
  readonly unlisted: Set<string>;
  readonly slept: number[];
  readonly events: EventBody[];
  /** `run a`, `commit a`, `restore a`, in order. */
  readonly calls: string[];
  random: number;
  /** What the taking in of outs waits for. */
  recording: Promise<void>;
  run(options?: MapRun): Promise<RunResult>;
}

export interface MapRun {
  readonly jobs?: number;
  readonly keepGoing?: boolean;
  readonly signal?: AbortSignal;
  readonly targets?: readonly string[];
  readonly force?: boolean;
  readonly durations?: Readonly<Record<string, number>>;
}

/** An error as a stage's process makes it, by default one that another attempt may mend. */
export function stageFailed(retryable = true): PipelineError {
  return new PipelineError('stage.failed', 'it failed', { exit: EXIT.failed, retryable });
}

/** Reads the pipeline's text and gives it a world in which every stage makes `<name>(<contents of its deps>)`. */
export function createMapWorld(text: string, files: Readonly<Record<string, string>> = {}): MapWorld {
  const { pipeline, problems } = readPipeline({
    load: (path) => (path === 'pipeline.yaml' ? Buffer.from(text) : undefined),
  });
  const { graph } = pipeline ? buildGraph(pipeline) : {};
  if (!pipeline || !graph) throw new Error(JSON.stringify(problems));
  const runs = new Map<string, StageLock>();
  const attempts = new Map<string, number>();
  const hashOf = (content: string): `sha256:${string}` => `sha256:${content}`;
  const world: MapWorld = {
    files: new Map(Object.entries(files)),
    locked: new Map(),
    acts: new Map(),
    lost: new Set(),
    damaged: new Set(),
    unlisted: new Set(),
    slept: [],
    events: [],
    calls: [],
    random: 0,
    recording: Promise.resolve(),
    run,
  };

  const facts: Facts = {
    depHash: (path) => (world.files.has(path) ? hashOf(world.files.get(path) ?? '') : undefined),
    seenOut: (path) =>
      world.files.has(path)
        ? { kind: 'present', hash: hashOf(world.files.get(path) ?? ''), exec: false }
        : { kind: 'missing' },
    lookInside(tree, below) {
      if (!world.unlisted.has(tree.path)) return hashOf(`${tree.path}/${below}`);
      throw new PipelineError('manifest.invalid', 'its list is damaged', { exit: EXIT.failed });
    },
    codeOf: () => undefined,
    envOf: () => ({}),
    tickOf: () => undefined,
    locked: (name) => world.locked.get(name),
    recall: (fingerprint) => runs.get(canonicalJson(fingerprint as unknown as Json)),
    isListed: () => false,
    isAvailable: (result) => !result.outs.some((out) => world.lost.has(out.path)),
  };

  function place(name: StageName, result: StageLock): void {
    for (const out of result.outs) world.files.set(out.path, out.hash.slice('sha256:'.length));
    world.locked.set(name, result);
    runs.set(canonicalJson(result.fingerprint as unknown as Json), result);
  }

  const seam: World = {
    facts,
    look: () => Promise.resolve(),
    async attempt({ stage, fingerprint, signal }) {
      const attempt = (attempts.get(stage.name) ?? 0) + 1;
      attempts.set(stage.name, attempt);
      world.calls.push(`run ${stage.name}`);
      const usual = `${stage.name}(${stage.deps.map((dep) => world.files.get(dep.path) ?? '').join(',')})`;
      const made = (await world.acts.get(stage.name)?.(attempt, signal)) ?? usual;
      if (made instanceof Error) throw made;
      const outs = stage.outs.map(({ path }): Artifact => ({
        path,
        hash: hashOf(made),
        kind: 'file',
        size: 1,
      }));
      const result: StageLock = { fingerprint, outs, gates: [] };
      const commit = (): Promise<void> => {
        world.calls.push(`commit ${stage.name}`);
        place(stage.name, result);
        return Promise.resolve();
      };
      return {
        async harvest() {
          await world.recording;
          return { result, commit, discard: (why) => why };
        },
      };
    },
    restore(stage, result) {
      world.calls.push(`restore ${stage.name}`);
      for (const out of stage.outs) if (world.damaged.delete(out.path)) world.lost.add(out.path);
      if (world.lost.has(stage.outs[0]?.path ?? ''))
        return Promise.reject(new PipelineError('object.missing', 'gone', { exit: EXIT.failed }));
      place(stage.name, result);
      return Promise.resolve();
    },
    judgeGates: () => undefined,
    explain: (error) => fromSystemError(error),
    discreet: (error) => error,
    elapsedMs: () => 0,
    sleep(ms, signal) {
      signal.throwIfAborted();
      world.slept.push(ms);
      return Promise.resolve();
    },
    random: () => world.random,
  };

  async function run(options: MapRun = {}): Promise<RunResult> {
    if (!pipeline || !graph) throw new Error('no pipeline');
    world.calls.length = 0;
    world.events.length = 0;
    attempts.clear();
    const selection = selectStages(graph, {
      targets: options.targets ?? [],
      folder: '',
      downstream: false,
      single: false,
      force: options.force ?? false,
    });
    return runPlan({
      graph,
      selection,
      plan: makePlan(graph, selection, facts),
      world: seam,
      jobs: options.jobs ?? 1,
      pools: pipeline.pools,
      ranks: rankStages(graph, selection.stages, new Map(Object.entries(options.durations ?? {}))),
      keepGoing: options.keepGoing ?? false,
      emit: (event) => void world.events.push(event),
      signal: options.signal ?? new AbortController().signal,
    });
  }

  return world;
}
