import type { Event, EventBody, Outcome } from '../../src/base/event.ts';

/** An event with its version and time. */
export function eventAt(at: number, body: EventBody): Event {
  return { v: 1, at, ...body };
}

const NONE: Record<Outcome, number> = { fresh: 0, restored: 0, ran: 0, failed: 0, blocked: 0, canceled: 0 };

export function countsOf(some: Partial<Record<Outcome, number>>): Record<Outcome, number> {
  return { ...NONE, ...some };
}

export function started(stages: number): EventBody {
  return { type: 'run-started', run: '20260317T060000-1a2b', command: 'repro', pipeline: 'sensex', stages };
}

export function planned(...stages: readonly string[]): EventBody {
  return {
    type: 'plan-made',
    stages: stages.map((stage) => ({ stage, verdict: 'run', reasons: [{ kind: 'never-run' }] })),
  };
}

export function begun(stage: string, attempt = 1): EventBody {
  return {
    type: 'stage-started',
    stage,
    attempt,
    reasons: [{ kind: 'dep-changed', path: 'data/raw', change: 'modified' }],
  };
}

export function said(
  stage: string,
  chunk: string,
  stream: 'stdout' | 'stderr' | 'log' = 'stdout',
): EventBody {
  return { type: 'stage-output', stage, stream, chunk };
}

export function blocked(stage: string, by: string): EventBody {
  return {
    type: 'stage-finished',
    stage,
    outcome: 'blocked',
    reasons: [{ kind: 'upstream-failed', stage: by }],
  };
}

export function ended(
  outcome: 'succeeded' | 'failed' | 'canceled',
  counts: Partial<Record<Outcome, number>>,
  durationMs = 12_300,
): EventBody {
  return { type: 'run-finished', run: '20260317T060000-1a2b', outcome, counts: countsOf(counts), durationMs };
}

/** One of each type, in the order of a run. */
export const EVERY_EVENT: readonly EventBody[] = [
  { type: 'mutex-waited', mutex: 'workspace', holder: 'repro (pid 17)', since: '2026-03-17T05:59:00.000Z' },
  { type: 'attempt-recovered', stage: 'fetch', how: 'rolled-forward' },
  started(2),
  planned('fetch', 'features'),
  { type: 'warned', problem: { code: 'tick.behind', message: 'the clock is behind the lock' } },
  { type: 'data-recorded', path: 'data/world.csv', hash: 'sha256:00' },
  { type: 'data-restored', path: 'data/lists', hash: 'sha256:00' },
  { type: 'transfer-started', direction: 'fetch', remote: 'origin', objects: 4, size: 4096 },
  { type: 'transfer-progressed', direction: 'fetch', objects: 1, size: 1024 },
  {
    type: 'object-refused',
    object: 'sha256:11',
    problem: { code: 'remote.bad-object', message: 'sha256:11 is not what it says' },
  },
  {
    type: 'transfer-finished',
    direction: 'fetch',
    remote: 'origin',
    objects: 2,
    size: 2048,
    present: 1,
    missing: 1,
    failed: 0,
  },
  { type: 'transfer-broken-off', direction: 'push', remote: 'origin', objects: 1, size: 1024 },
  { type: 'results-pulled', remote: 'origin', stages: ['fetch', 'features'] },
  begun('fetch'),
  said('fetch', 'hello\n'),
  { type: 'stage-progressed', stage: 'fetch', done: 1, total: 2, label: 'half' },
  {
    type: 'attempt-failed',
    attempts: 3,
    stage: 'fetch',
    attempt: 1,
    problem: { code: 'stage.failed', message: 'stage "fetch" exited with code 1' },
    retryInMs: 30_000,
  },
  begun('fetch', 2),
  { type: 'gate-evaluated', stage: 'fetch', gate: 'rate must be >= 0.8', value: '0.93', held: true },
  { type: 'stage-committing', stage: 'fetch' },
  {
    type: 'stage-finished',
    stage: 'fetch',
    outcome: 'ran',
    reasons: [],
    durationMs: 12_300,
    outs: [
      { path: 'data/raw', hash: 'sha256:22.dir', size: 1_258_291, files: 31 },
      { path: 'reports/fetch_report.json', hash: 'sha256:33', size: 12_288 },
    ],
  },
  { type: 'stage-finished', stage: 'features', outcome: 'fresh', reasons: [{ kind: 'fresh' }] },
  ended('succeeded', { ran: 1, fresh: 1 }),
];
