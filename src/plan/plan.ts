import { EXIT, PipelineError } from '../base/error.ts';
import type { Problem } from '../base/error.ts';
import type { Artifact, Fingerprint, Location, Stage, StageLock, StageName } from '../base/types.ts';
import { decide } from './decide.ts';
import type { Decision, SeenOut } from './decide.ts';
import { buildFingerprint, isFingerprintOf } from './fingerprint.ts';
import type { FingerprintInputs } from './fingerprint.ts';
import type { Graph, Maker } from './graph.ts';
import { missingDep } from './missing-dep.ts';

/** A module's code as the fingerprint sees it. */
export interface Code {
  readonly files: Readonly<Record<string, string>>;
  readonly packages?: string;
  readonly importers: Readonly<Record<string, string>>;
}

/** Everything the planner asks about the world; answering changes nothing. */
export interface Facts {
  /** Hash of what is at a path now (for `data:` that is gone, of what is recorded); `undefined` when nothing is. */
  depHash(path: string): string | undefined;
  seenOut(path: string): SeenOut;
  /** Hash of a file or folder inside a directory artifact; `undefined` when it holds no such path. */
  lookInside(tree: Artifact, below: string): string | undefined;
  /** Which files a tracked folder has by the lock is known here. */
  isListed(path: string): boolean;
  /** `undefined` for shell stages. */
  codeOf(stage: Stage): Code | undefined;
  envOf(stage: Stage): Readonly<Record<string, string>>;
  tickOf(stage: Stage): string | undefined;
  locked(name: StageName): StageLock | undefined;
  recall(fingerprint: Fingerprint): StageLock | undefined;
  isAvailable(result: StageLock): boolean;
}

/** Outs of a stage that are settled, or will be as the plan stands. */
export interface Known {
  readonly outs: readonly Artifact[];
  /** They are on disk (not only to be restored). */
  readonly placed: boolean;
}

export interface Selection {
  readonly stages: ReadonlySet<StageName>;
  readonly forced: ReadonlySet<StageName>;
}

export interface Judgement {
  readonly stage: Stage;
  readonly decision: Decision;
  readonly fingerprint?: Fingerprint;
  /** Why the stage can never start: deps that are not there or refused, code that cannot be read. None for a frozen one. */
  readonly problems: readonly Problem[];
}

export interface Plan {
  /** In topological order, selected stages only. */
  readonly judgements: readonly Judgement[];
  readonly problems: readonly Problem[];
}

/** Judges every selected stage as things stand; a stage behind one that will run waits. Linear in edges. */
export function makePlan(graph: Graph, selection: Selection, facts: Facts): Plan {
  const known = new Map<StageName, Known>();
  const judging: Judging = { graph, selection, facts, known };
  const judgements: Judgement[] = [];
  const problems: Problem[] = [];
  for (const name of graph.order) {
    if (!selection.stages.has(name)) continue;
    const judgement = judge(name, judging);
    judgements.push(judgement);
    for (const problem of judgement.problems) problems.push(problem);
    const { decision } = judgement;
    if (decision.verdict === 'skip') known.set(name, { outs: decision.result.outs, placed: true });
    if (decision.verdict === 'restore') known.set(name, { outs: decision.result.outs, placed: false });
  }
  return { judgements, problems };
}

export interface Judging {
  readonly graph: Graph;
  readonly selection: Selection;
  readonly facts: Facts;
  readonly known: ReadonlyMap<StageName, Known>;
}

/** Judges one stage with what is known of its upstream now. */
export function judge(name: StageName, judging: Judging): Judgement {
  const { graph, facts, selection } = judging;
  const stage = graph.stages.get(name);
  if (!stage) throw new Error(`no stage ${name}`);
  const { hashes, waitsFor, problems } = depHashes(stage, judging);
  const code = told({ stage, problems, at: stage.at }, () => facts.codeOf(stage));
  const locked = facts.locked(name);
  const fingerprint =
    waitsFor.length > 0 || problems.length > 0
      ? undefined
      : fingerprintOf(stage, locked, {
          deps: hashes,
          code,
          env: facts.envOf(stage),
          tick: facts.tickOf(stage),
        });
  const decision = decide(
    stage,
    {
      ...(fingerprint && { fingerprint }),
      waitsFor,
      outs: { get: (path) => facts.seenOut(path) },
      importers: code?.importers ?? NO_IMPORTERS,
      forced: selection.forced.has(name),
    },
    {
      locked,
      recall: (one) => facts.recall(one),
      isAvailable: (one) => facts.isAvailable(one),
    },
  );
  return {
    stage,
    decision,
    ...(fingerprint && { fingerprint }),
    problems: problems.length === 0 || stage.policy.frozen ? NOTHING : problems,
  };
}

// There are as many judgements as stages: what most of them lack is one thing.
const NOTHING: readonly never[] = [];
const NO_IMPORTERS: Code['importers'] = {};

function fingerprintOf(stage: Stage, locked: StageLock | undefined, inputs: FingerprintInputs): Fingerprint {
  return locked && isFingerprintOf(locked.fingerprint, stage, inputs)
    ? locked.fingerprint
    : buildFingerprint(stage, inputs);
}

interface DepHashes {
  readonly hashes: ReadonlyMap<string, string>;
  readonly waitsFor: readonly StageName[];
  readonly problems: Problem[];
}

interface Telling {
  readonly stage: Stage;
  readonly problems: Problem[];
  readonly at: Location;
}

/**
 * An error about a stage's input, which stands at `at`, is one problem among those of all stages. Where nothing that is written
 * is wrong, but the machine or what is kept there, that ends the command as it does elsewhere.
 */
function told<T>({ stage, problems, at }: Telling, look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error;
    // Nothing is asked of the inputs of a frozen one.
    if (error.exit !== EXIT.user && !stage.policy.frozen) throw error;
    problems.push(...error.problems.map((problem) => ({ at: [at], ...problem })));
    return undefined;
  }
}

function depHashes(stage: Stage, { graph, selection, facts, known }: Judging): DepHashes {
  const hashes = new Map<string, string>();
  const problems: Problem[] = [];
  let waitsFor: Set<StageName> | undefined;
  for (const dep of stage.deps) {
    const makers = selectMakers(graph.makersOf(dep.path), selection);
    let isPending = false;
    for (const maker of makers) {
      if (isKnown(maker, known)) continue;
      isPending = true;
      (waitsFor ??= new Set()).add(maker.stage);
    }
    if (isPending) continue;
    const before = problems.length;
    const hash = told(
      { stage, problems, at: dep.at },
      () => hashOfDep(dep.path, makers, { facts, known }) ?? lockedHash(stage, dep.path, { graph, facts }),
    );
    if (hash !== undefined) hashes.set(dep.path, hash);
    else if (problems.length === before) problems.push(missingDep(stage, dep, { graph, makers }));
  }
  return { hashes, waitsFor: waitsFor ? [...waitsFor] : NOTHING, problems };
}

/**
 * What a stage was recorded with of a file in a tracked input of which nothing is here. A clone has no list of its files yet:
 * only a pull can tell more, and nothing runs before it.
 */
function lockedHash(
  stage: Stage,
  path: string,
  { graph, facts }: Pick<Judging, 'graph' | 'facts'>,
): string | undefined {
  const input = graph.dataAround(path);
  const isRecorded = input !== undefined && facts.depHash(input) !== undefined;
  if (!isRecorded || facts.seenOut(input).kind !== 'missing' || facts.isListed(input)) return undefined;
  return facts.locked(stage.name)?.fingerprint.deps.find((one) => one.path === path)?.hash;
}

/** Those of a dep's makers that are selected: mostly all of them. */
export function selectMakers(makers: readonly Maker[], selection: Selection): readonly Maker[] {
  const isSelected = (maker: Maker): boolean => selection.stages.has(maker.stage);
  return makers.every(isSelected) ? makers : makers.filter(isSelected);
}

/** A folder around several outs is hashed from disk, so they must be there. */
function isKnown(maker: Maker, known: ReadonlyMap<StageName, Known>): boolean {
  const outs = known.get(maker.stage);
  return outs !== undefined && (maker.relation !== 'around' || outs.placed);
}

function hashOfDep(
  path: string,
  makers: readonly Maker[],
  { facts, known }: { facts: Facts; known: ReadonlyMap<StageName, Known> },
): string | undefined {
  const [maker] = makers;
  if (!maker || maker.relation === 'around') return facts.depHash(path);
  const artifact = known.get(maker.stage)?.outs.find((out) => out.path === maker.out.path);
  if (!artifact) return undefined;
  return maker.relation === 'same'
    ? artifact.hash
    : facts.lookInside(artifact, path.slice(maker.out.path.length + 1));
}
