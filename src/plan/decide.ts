import { canonicalJson } from '../base/hash.ts';
import type { Reason } from '../base/reason.ts';
import type { Fingerprint, Gate, Stage, StageLock } from '../base/types.ts';
import { compareFingerprints, isComparable, isEqual } from './compare.ts';

/** What is on disk where an out belongs; only what a decision needs. */
export type SeenOut =
  | { readonly kind: 'missing' }
  | { readonly kind: 'present'; readonly hash: string; readonly exec: boolean }
  | { readonly kind: 'refused' };

/** The facts about one stage at one moment. */
export interface Seen {
  /** Absent while an upstream's outs are not known. */
  readonly fingerprint?: Fingerprint;
  /** Stages whose outs must be known first. */
  readonly waitsFor: readonly string[];
  /** Out path → what is there. */
  readonly outs: Pick<ReadonlyMap<string, SeenOut>, 'get'>;
  readonly importers: Readonly<Record<string, string>>;
  readonly forced: boolean;
}

export type Reasons = readonly [Reason, ...Reason[]];

export type Decision =
  /** Nothing to do; `result` is what the lock says. A changed gate is still to be evaluated (`gate-changed`). */
  | { readonly verdict: 'skip'; readonly reasons: Reasons; readonly result: StageLock }
  /** The outs can be had without running. */
  | { readonly verdict: 'restore'; readonly reasons: Reasons; readonly result: StageLock }
  | { readonly verdict: 'run'; readonly reasons: Reasons }
  | { readonly verdict: 'wait'; readonly reasons: Reasons }
  /** It may not run (frozen) and its outs cannot be had. */
  | { readonly verdict: 'blocked'; readonly reasons: Reasons };

/** True when there is nothing left to do for a stage, a gate to be judged included. */
export function isFresh({ verdict, reasons }: Decision): boolean {
  return verdict === 'skip' && reasons[0].kind !== 'gate-changed';
}

/** What has been recorded. The lockfile's entry wins over the run cache for the same fingerprint. */
export interface Recorded {
  readonly locked: StageLock | undefined;
  /** A run-cache result of this very fingerprint whose bytes the cache has. */
  readonly recall: (fingerprint: Fingerprint) => StageLock | undefined;
  /** True when the cache has all bytes of a result. */
  readonly isAvailable: (result: StageLock) => boolean;
}

/**
 * Judges one stage; pure. `status`, `--dry-run` and the run itself all ask here, so they cannot disagree.
 */
export function decide(stage: Stage, seen: Seen, recorded: Recorded): Decision {
  const locked = recorded.locked?.edited ? undefined : recorded.locked;
  const { fingerprint } = seen;
  if (stage.policy.frozen) return decideFrozen(stage, seen, recorded);
  if (!fingerprint) {
    const reasons = seen.waitsFor.map((name): Reason => ({ kind: 'upstream', stage: name }));
    return { verdict: 'wait', reasons: atLeastOne(reasons, NEVER_RUN) };
  }
  if (seen.forced) return { verdict: 'run', reasons: [{ kind: 'forced' }] };
  const changes = locked
    ? compareFingerprints(locked.fingerprint, fingerprint, seen.importers)
    : [recorded.locked ? EDITED : NEVER_RUN];
  if (stage.policy.always) return { verdict: 'run', reasons: atLeastOne(changes, { kind: 'always' }) };
  if (locked && changes.length === 0) return decideUnchanged(stage, seen, { ...recorded, locked });
  const reasons = atLeastOne(changes, NEVER_RUN);
  const result = stage.outs.some((out) => out.persist) ? undefined : recorded.recall(fingerprint);
  return result && foreignOuts(stage, result).length === 0
    ? { verdict: 'restore', reasons, result }
    : { verdict: 'run', reasons };
}

function decideUnchanged(
  stage: Stage,
  seen: Seen,
  { locked, isAvailable }: Recorded & { locked: StageLock },
): Decision {
  const [foreign, ...others] = foreignOuts(stage, locked);
  if (foreign) return { verdict: 'run', reasons: [foreign, ...others] };
  const [first, ...rest] = outReasons(seen, locked);
  if (first) {
    if (isOfOtherAlgorithm(seen, locked)) return { verdict: 'run', reasons: [{ kind: 'algorithm-changed' }] };
    const reasons: Reasons = [first, ...rest];
    return isAvailable(locked)
      ? { verdict: 'restore', reasons, result: locked }
      : { verdict: 'run', reasons };
  }
  return skip(stage, locked, FRESH);
}

const FRESH: Reasons = [{ kind: 'fresh' }];
const FROZEN: Reasons = [{ kind: 'frozen' }];
const GATE_CHANGED: Reasons = [{ kind: 'gate-changed' }];

const NEVER_RUN: Reason = { kind: 'never-run' };
const EDITED: Reason = { kind: 'record-edited' };

/** The outs stand as recorded; gates that were not judged on them are told instead of `why`. */
function skip(stage: Stage, locked: StageLock, why: Reasons): Decision {
  const areJudged = isEqual(gateTexts(stage), locked.gates);
  return { verdict: 'skip', reasons: areJudged ? why : GATE_CHANGED, result: locked };
}

function decideFrozen(stage: Stage, seen: Seen, { locked, isAvailable }: Recorded): Decision {
  if (!locked) return { verdict: 'blocked', reasons: [{ kind: 'frozen' }, NEVER_RUN] };
  const foreign = foreignOuts(stage, locked);
  if (foreign.length > 0) return { verdict: 'blocked', reasons: [{ kind: 'frozen' }, ...foreign] };
  const [first, ...rest] = outReasons(seen, locked);
  if (!first) return skip(stage, locked, FROZEN);
  const reasons: Reasons = [first, ...rest];
  return isAvailable(locked)
    ? { verdict: 'restore', reasons, result: locked }
    : { verdict: 'blocked', reasons };
}

/** Restoring such outs would not make them equal: what is there is hashed by the pipeline's algorithm. */
function isOfOtherAlgorithm(seen: Seen, locked: StageLock): boolean {
  return locked.outs.some(({ path, hash }) => {
    const out = seen.outs.get(path);
    return out?.kind === 'present' && !isComparable(out.hash, hash);
  });
}

/** What is wrong with the outs on disk, compared with a recorded result. */
function outReasons(seen: Seen, locked: StageLock): readonly Reason[] {
  const reasons: Reason[] = [];
  for (const { path, hash, exec = false } of locked.outs) {
    const out = seen.outs.get(path) ?? { kind: 'missing' };
    if (out.kind === 'missing') reasons.push({ kind: 'out-missing', path });
    else if (out.kind === 'refused' || out.hash !== hash || out.exec !== exec)
      reasons.push({ kind: 'out-changed', path });
  }
  return reasons;
}

/**
 * How the outs of an entry are not exactly the stage's own; such an entry was edited or forged, and is never believed:
 * restoring it would write where the pipeline declares nothing.
 */
function foreignOuts(stage: Stage, result: StageLock): readonly Reason[] {
  // Both are in the order of the file, mostly: then there is nothing to build.
  if (
    stage.outs.length === result.outs.length &&
    stage.outs.every((out, index) => out.path === result.outs[index]?.path)
  )
    return [];
  const own = new Set<string>(stage.outs.map((out) => out.path));
  const recorded = new Set<string>(result.outs.map((out) => out.path));
  return [
    ...[...own.difference(recorded)].map((path): Reason => ({ kind: 'outs-changed', path, change: 'added' })),
    ...[...recorded.difference(own)].map((path): Reason => ({
      kind: 'outs-changed',
      path,
      change: 'removed',
    })),
  ];
}

/** The text of each gate, sorted: what the lock records as having held. */
export function gateTexts(stage: Stage): readonly string[] {
  if (stage.policy.gates.length === 0) return [];
  return stage.policy.gates.map((gate) => `${gate.out} ${gate.key} ${formatLimits(gate)}`).sort();
}

/** What a gate's value must be, `>= 0.8 and <= 1` where there are two limits. */
export function formatLimits({ min, max, equals }: Gate): string {
  const limits: string[] = [];
  if (min !== undefined) limits.push(`>= ${min}`);
  if (max !== undefined) limits.push(`<= ${max}`);
  if (equals !== undefined) limits.push(`== ${canonicalJson(equals)}`);
  return limits.join(' and ');
}

function atLeastOne(reasons: readonly Reason[], otherwise: Reason): Reasons {
  const [first, ...rest] = reasons;
  return first ? [first, ...rest] : [otherwise];
}
