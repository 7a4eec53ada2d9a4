import { hash } from 'node:crypto';
import { byCodeUnit } from '../by-code-unit.ts';
import type { FetchReport } from '../fetch-report.ts';
import { formatJson, roundFraction } from './json-text.ts';

/** What only the feature stage can tell of a run. */
export interface RunSummary {
  readonly runId: string;
  readonly stocksProcessed: number;
  readonly shape: readonly number[];
  readonly targets: Int8Array;
}

/** Text of `pipeline_metadata.json`, which sums a run up; `up_percentage` is a fraction. */
export function formatPipelineMetadata(fetched: FetchReport, run: RunSummary): string {
  const up = run.targets.reduce((sum, target) => sum + target, 0);
  const days = run.targets.length;
  return formatJson({
    timestamp: fetched.timestamp,
    pipeline_run_id: run.runId,
    data_period: { from: fetched.data_period.from, to: fetched.data_period.to },
    stocks_processed: run.stocksProcessed,
    feature_map_shape: run.shape,
    target_distribution: {
      up_days: up,
      down_days: days - up,
      up_percentage: roundFraction(days === 0 ? 0 : up / days),
    },
    data_quality_score: fetched.data_quality_score,
    source: fetched.source,
    as_of: fetched.as_of,
  });
}

/**
 * Name of a run that says what went into it: the first 16 hex digits of the SHA-256 of tick, params and the SHA-256 of each
 * raw file. Equal inputs have equal names, whatever the order of keys and files.
 */
export function pipelineRunId(tick: string, params: unknown, rawFiles: ReadonlyMap<string, string>): string {
  const files = [...rawFiles]
    .map(([symbol, text]) => [symbol, hash('sha256', text)] as const)
    .sort(([a], [b]) => byCodeUnit(a, b));
  return hash('sha256', JSON.stringify([tick, sortKeys(params ?? null), files])).slice(0, 16);
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => byCodeUnit(a, b))
    .map(([key, inner]) => [key, sortKeys(inner)]);
}
