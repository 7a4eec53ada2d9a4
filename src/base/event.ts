import type { Problem } from './error.ts';
import type { Reason } from './reason.ts';

/** Raised when the meaning of an event changes; names are a file format: never renamed, only added. */
export const EVENT_VERSION = 1;

/** How a stage ended. */
export type Outcome = 'fresh' | 'restored' | 'ran' | 'failed' | 'blocked' | 'canceled';

export type Verdict = 'skip' | 'restore' | 'run' | 'wait' | 'blocked';

export interface Judged {
  readonly stage: string;
  readonly verdict: Verdict;
  readonly reasons: readonly Reason[];
}

/** An out as events tell it. */
export interface ToldOut {
  readonly path: string;
  readonly hash: string;
  readonly size: number;
  readonly files?: number;
}

export function toToldOuts(outs: readonly ToldOut[]): readonly ToldOut[] {
  return outs.map(({ path, hash, size, files }) => ({
    path,
    hash,
    size,
    ...(files !== undefined && { files }),
  }));
}

/** What happened, in the past tense. Events inform, they never control. */
export type EventBody =
  | {
      readonly type: 'run-started';
      readonly run: string;
      readonly command: string;
      readonly pipeline: string;
      readonly stages: number;
    }
  | { readonly type: 'plan-made'; readonly stages: readonly Judged[] }
  | {
      readonly type: 'stage-started';
      readonly stage: string;
      readonly attempt: number;
      readonly reasons: readonly Reason[];
    }
  /** Raw text as it came; lines are made by whoever shows them. */
  | {
      readonly type: 'stage-output';
      readonly stage: string;
      readonly stream: 'stdout' | 'stderr' | 'log';
      readonly chunk: string;
    }
  | {
      readonly type: 'stage-progressed';
      readonly stage: string;
      readonly done: number;
      readonly total?: number;
      readonly label?: string;
    }
  | {
      readonly type: 'attempt-failed';
      readonly stage: string;
      readonly attempt: number;
      /** How many there may be in all. */
      readonly attempts: number;
      readonly problem: Problem;
      readonly retryInMs: number;
    }
  | { readonly type: 'stage-committing'; readonly stage: string }
  | {
      readonly type: 'stage-finished';
      readonly stage: string;
      readonly outcome: Outcome;
      readonly reasons: readonly Reason[];
      /** Wall time of the stage; absent for what did not run. */
      readonly durationMs?: number;
      readonly peakMemory?: number;
      readonly outs?: readonly ToldOut[];
      readonly problem?: Problem;
    }
  | {
      readonly type: 'gate-evaluated';
      readonly stage: string;
      readonly gate: string;
      readonly value: string;
      readonly held: boolean;
    }
  | { readonly type: 'data-recorded'; readonly path: string; readonly hash: string }
  | {
      readonly type: 'data-restored';
      readonly path: string;
      readonly hash: string;
      /** What stood there; the cache has it until it is collected. */
      readonly replaced?: string;
    }
  | {
      readonly type: 'attempt-recovered';
      readonly stage: string;
      readonly how: 'rolled-back' | 'rolled-forward';
      /** The folder of what it had made, or of what stood at its place by then. */
      readonly kept?: string;
    }
  | { readonly type: 'mutex-waited'; readonly mutex: string; readonly holder: string; readonly since: string }
  | {
      readonly type: 'transfer-started';
      readonly direction: 'push' | 'fetch';
      readonly remote: string;
      readonly objects: number;
      readonly size: number;
    }
  | {
      readonly type: 'transfer-progressed';
      readonly direction: 'push' | 'fetch';
      readonly objects: number;
      readonly size: number;
    }
  | {
      readonly type: 'transfer-finished';
      readonly direction: 'push' | 'fetch';
      readonly remote: string;
      readonly objects: number;
      readonly size: number;
      readonly present: number;
      readonly missing: number;
      readonly failed: number;
      /** Nothing moved: the numbers are what would have. */
      readonly dryRun?: true;
    }
  /** An error or an interrupt ended it; what had arrived by then stays. */
  | {
      readonly type: 'transfer-broken-off';
      readonly direction: 'push' | 'fetch';
      readonly remote: string;
      readonly objects: number;
      readonly size: number;
    }
  /** Results of these stages came from a remote, so that they need not run. */
  | { readonly type: 'results-pulled'; readonly remote: string; readonly stages: readonly string[] }
  | { readonly type: 'object-refused'; readonly object: string; readonly problem: Problem }
  | { readonly type: 'warned'; readonly problem: Problem }
  | {
      readonly type: 'run-finished';
      readonly run: string;
      readonly outcome: 'succeeded' | 'failed' | 'canceled';
      readonly counts: Readonly<Record<Outcome, number>>;
      readonly durationMs: number;
    };

export type Event = EventBody & {
  readonly v: typeof EVENT_VERSION;
  /** Epoch ms. */
  readonly at: number;
};

/** Hears every event of a command, in order. A listener never throws and never decides. */
export interface Listener {
  on(event: Event): void;
  /** Called once, after the last event; what the listener holds back is written before it resolves. */
  close?(): void | Promise<void>;
}

export type Emit = (event: EventBody) => void;
