import { canonicalJson } from './hash.ts';
import type { Json } from './types.ts';

/** Why a stage is judged as it is: a fact each, made where the decision falls; sentences come from `formatReason`. */
export type Reason =
  | { readonly kind: 'fresh' }
  | { readonly kind: 'frozen' }
  | { readonly kind: 'never-run' }
  /** What the lock says of it is no result of a run. */
  | { readonly kind: 'record-edited' }
  | { readonly kind: 'forced' }
  | { readonly kind: 'always' }
  | { readonly kind: 'action-changed'; readonly from: Json; readonly to: Json }
  | { readonly kind: 'api-changed' }
  | {
      readonly kind: 'param-changed';
      readonly file: string;
      readonly key: string;
      readonly from?: Json;
      readonly to?: Json;
    }
  | {
      readonly kind: 'dep-changed';
      readonly path: string;
      readonly change: 'added' | 'removed' | 'modified' | 'renamed';
    }
  | {
      readonly kind: 'code-changed';
      readonly path: string;
      readonly change: 'added' | 'removed' | 'modified';
      /** How the module comes to this file: entry first, the file itself last. */
      readonly chain: readonly string[];
    }
  | { readonly kind: 'packages-changed' }
  /** The record is of another hash algorithm, so nobody can say whether the bytes differ. */
  | { readonly kind: 'algorithm-changed' }
  /** The record says it otherwise, and in no part that has a reason of its own. */
  | { readonly kind: 'form-changed' }
  | { readonly kind: 'env-changed'; readonly name: string }
  | { readonly kind: 'refreshed'; readonly from?: string; readonly to?: string }
  | {
      readonly kind: 'outs-changed';
      readonly path: string;
      readonly change: 'added' | 'removed' | 'redeclared';
    }
  | { readonly kind: 'out-missing'; readonly path: string }
  | { readonly kind: 'out-changed'; readonly path: string }
  | { readonly kind: 'gate-changed' }
  | { readonly kind: 'upstream'; readonly stage: string }
  | { readonly kind: 'upstream-failed'; readonly stage: string };

/** One reason as a short clause, e.g. `param train.lr changed: 0.1 → 0.2`. */
export function formatReason(reason: Reason): string {
  switch (reason.kind) {
    case 'fresh':
      return 'nothing changed';
    case 'frozen':
      return 'frozen';
    case 'never-run':
      return 'never run';
    case 'record-edited':
      return 'its entry in pipeline.lock was merged or edited';
    case 'forced':
      return 'forced';
    case 'always':
      return 'always runs';
    case 'action-changed':
      return `command changed: ${shortPair(essence(reason.from), essence(reason.to))}`;
    case 'api-changed':
      return 'stage API changed';
    case 'param-changed':
      return formatParam(reason);
    case 'dep-changed':
      return `dep ${reason.path} ${reason.change}`;
    case 'code-changed':
      return formatCode(reason);
    case 'packages-changed':
      return 'an imported package changed';
    case 'algorithm-changed':
      return 'recorded with another hash algorithm ("lockstep commit" takes over what is here without running)';
    case 'form-changed':
      return 'recorded in another form';
    case 'env-changed':
      return `env ${reason.name} changed`;
    case 'refreshed':
      return reason.to === undefined
        ? 'no longer refreshed'
        : `refreshed: ${reason.from ?? 'no tick'} → ${reason.to}`;
    case 'outs-changed':
      return `out ${reason.path} ${reason.change} in pipeline.yaml`;
    case 'out-missing':
      return `out ${reason.path} is missing`;
    case 'out-changed':
      return `out ${reason.path} is not as recorded`;
    case 'gate-changed':
      return 'gates changed';
    case 'upstream':
      return `waits for ${reason.stage}`;
    case 'upstream-failed':
      return `${reason.stage} did not succeed`;
    default:
      // In the history of a newer lockstep.
      return (reason satisfies never as { readonly kind: string }).kind;
  }
}

function formatParam(reason: Extract<Reason, { kind: 'param-changed' }>): string {
  const name = reason.key === '' ? reason.file : reason.key;
  if (reason.from === undefined) return `param ${name} added: ${short(reason.to)}`;
  if (reason.to === undefined) return `param ${name} removed`;
  return `param ${name} changed: ${shortPair(reason.from, reason.to)}`;
}

function formatCode(reason: Extract<Reason, { kind: 'code-changed' }>): string {
  const via = reason.chain.length > 2 ? ` (via ${reason.chain.slice(1, -1).join(' → ')})` : '';
  return `code ${reason.path} ${reason.change}${via}`;
}

/** Of two actions that differ in their command only, the command. */
function essence(action: Json): Json {
  if (typeof action !== 'object' || action === null || Object.keys(action).length !== 1) return action;
  return Object.values(action)[0] ?? action;
}

/** More characters of a value are not shown. */
const MOST = 60;
/** Of what two long values have in common before they differ, so many characters are shown. */
const BEFORE = 20;

function short(value: Json | undefined): string {
  return cut(textOf(value), 0);
}

/** Both around the first place where they differ. */
function shortPair(from: Json | undefined, to: Json | undefined): string {
  const [a, b] = [textOf(from), textOf(to)];
  let same = 0;
  while (same < a.length && a[same] === b[same]) same++;
  const start = same < MOST - BEFORE ? 0 : same - BEFORE;
  return `${cut(a, start)} → ${cut(b, start)}`;
}

function cut(text: string, start: number): string {
  const head = start > 0 ? '...' : '';
  const tail = text.length - start + head.length > MOST ? '...' : '';
  return head + text.slice(start, start + MOST - head.length - tail.length) + tail;
}

function textOf(value: Json | undefined): string {
  return value === undefined ? 'nothing' : canonicalJson(value);
}
