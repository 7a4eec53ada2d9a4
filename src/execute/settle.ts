import { PipelineError } from '../base/error.ts';
import { algorithmOf } from '../base/hash.ts';
import type { RelPath, StageName } from '../base/types.ts';
import { hashEnv } from '../plan/fingerprint.ts';
import { isFresh } from '../plan/decide.ts';
import { pathsToLookAt } from '../plan/look-at.ts';
import type { Plan } from '../plan/plan.ts';
import type { PathStood, Settled } from '../record/settled.ts';
import { ParserMissing } from '../store/code-facts.ts';
import type { CodeReader } from '../store/imports.ts';
import type { Observation, ObserveRequest, Observer } from '../store/observe.ts';
import { staleData } from './data.ts';
import { isAsRecorded } from './facts.ts';
import type { OpenProject } from './open-project.ts';
import type { Ticks } from './ticks.ts';

/** What must be known of a project to tell whether there is anything to do. */
interface Standing extends Pick<OpenProject, 'pipeline' | 'graph' | 'facts' | 'recorder'> {
  readonly needsRecovery: () => boolean;
  readonly isIgnored: () => boolean;
}

/** True when a plan leaves nothing to do, to record or to clean up. */
export function isSettled(project: Standing, plan: Plan): boolean {
  return (
    plan.judgements.every(({ decision }) => isFresh(decision)) &&
    plan.problems.length === 0 &&
    staleData(project).length === 0 &&
    !project.needsRecovery() &&
    !hasRemoved(project) &&
    project.isIgnored()
  );
}

/** True when the lock names a stage or data that pipeline.yaml no longer has. */
function hasRemoved({ recorder, pipeline, graph }: Standing): boolean {
  const data = new Set<string>(pipeline.data.map((input) => input.path));
  const lock = recorder.lock();
  return (
    [...lock.stages.keys()].some((name) => !graph.stages.has(name as StageName)) ||
    lock.data.some((input) => !data.has(input.path))
  );
}

/** How to look at what a settled project was judged by. */
export interface Looking {
  readonly hashOf: (file: string) => string | null;
  readonly observer: Observer;
  readonly code: CodeReader;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly nowMs: number;
}

/** What stands at paths now, as far as that was looked at. */
export type Found = ReadonlyMap<RelPath, Observation>;

const NOTHING_FOUND: Found = new Map();

/** Whether all is as it was; what was seen on the way serves whoever has to judge anew. */
export async function lookAgain(
  settled: Settled,
  looking: Looking,
): Promise<{ readonly isSame: boolean; readonly found: Found }> {
  if (!isSameBeside(settled, looking)) return { isSame: false, found: NOTHING_FOUND };
  const found = await looking.observer.observe(settled.stood.map(toRequest));
  const isSame = settled.stood.every(([path, hash, isExecutable]) =>
    isAsRecorded(found.get(path), { hash, exec: isExecutable === 1 }),
  );
  return { isSame, found };
}

/** All but what stands at paths, which is the most work. */
function isSameBeside(settled: Settled, { hashOf, code, env, nowMs }: Looking): boolean {
  return (
    settled.fromMs <= nowMs &&
    nowMs < settled.untilMs &&
    Object.entries(settled.files).every(([file, hash]) => hashOf(file) === hash) &&
    Object.entries(settled.env).every(([name, hash]) => hashEnv(name, env) === hash) &&
    Object.entries(settled.code).every(([entry, text]) => codeText(code, entry) === text)
  );
}

function toRequest([path, , isExecutable, follows]: PathStood): ObserveRequest {
  return { path, links: follows === 1 ? 'follow' : 'refuse', exec: isExecutable === 1 };
}

/** All that a project was judged by which is settled. */
interface Judged extends Pick<OpenProject, 'pipeline' | 'graph' | 'facts' | 'env'> {
  readonly files: Settled['files'];
  readonly code: CodeReader;
  readonly ticks: Ticks;
}

/**
 * `undefined` where something is not there (of a frozen stage, say): then the cache may have been asked, too; where it was
 * looked at by another algorithm than the pipeline's; and where the clock is behind, which is to be told each time.
 */
export function settledBy(judged: Judged): Settled | undefined {
  const { pipeline, graph, files, facts, env, ticks } = judged;
  if (ticks.fromMs >= ticks.untilMs) return undefined;
  const all = { stages: new Set(graph.stages.keys()), forced: new Set<StageName>() };
  const stood: PathStood[] = [];
  for (const path of new Set(pathsToLookAt(pipeline, graph, all))) {
    const here = facts.observed(path);
    if (here.kind !== 'file' && here.kind !== 'tree') return undefined;
    const { hash, exec } = here.artifact;
    if (algorithmOf(hash) !== pipeline.hash) return undefined;
    stood.push([path, hash, exec === true ? 1 : 0, facts.requestOf(path).links === 'follow' ? 1 : 0]);
  }
  const code: Record<string, string> = {};
  for (const { action } of pipeline.stages) {
    if (action.kind !== 'module') continue;
    const text = codeText(judged.code, action.path);
    if (text === undefined) return undefined;
    code[action.path] = text;
  }
  const names = new Set(pipeline.stages.flatMap((stage) => stage.env));
  return {
    pipeline: pipeline.name,
    stages: pipeline.stages.length,
    algorithm: pipeline.hash,
    files,
    env: Object.fromEntries([...names].map((name) => [name, hashEnv(name, env)])),
    code,
    stood,
    fromMs: ticks.fromMs,
    untilMs: ticks.untilMs,
  };
}

/** `undefined` for code that is not known, or has something wrong: whoever judges anew finds out what. */
function codeText(code: CodeReader, entry: string): string | undefined {
  try {
    const { files, packages } = code.closureOf(entry, { file: entry, line: 1, column: 1, length: 1 });
    return JSON.stringify([files, packages ?? null]);
  } catch (error) {
    if (error instanceof ParserMissing || error instanceof PipelineError) return undefined;
    throw error;
  }
}
