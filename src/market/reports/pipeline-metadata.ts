import { hash } from 'node:crypto';
import { byCodeUnit } from '../by-code-unit.ts';
import { formatJson, roundFraction } from './json-text.ts';

/** What `pipeline_metadata.json` sums a run up with. */
export interface PipelineMetadataInput {
  readonly timestamp: string;
  readonly runId: string;
  readonly period: { readonly from: string; readonly to: string };
  readonly stocksProcessed: number;
  readonly shape: readonly number[];
  readonly targets: Int8Array;
  readonly dataQualityScore: number;
  readonly source: string;
  readonly asOf: string;
}

/** Text of `pipeline_metadata.json`; `up_percentage` is a fraction. */
export function formatPipelineMetadata(input: PipelineMetadataInput): string {
  const up = input.targets.reduce((sum, target) => sum + target, 0);
  const days = input.targets.length;
  return formatJson({
    timestamp: input.timestamp,
    pipeline_run_id: input.runId,
    data_period: { from: input.period.from, to: input.period.to },
    stocks_processed: input.stocksProcessed,
    feature_map_shape: input.shape,
    target_distribution: {
      up_days: up,
      down_days: days - up,
      up_percentage: roundFraction(days === 0 ? 0 : up / days),
    },
    data_quality_score: input.dataQualityScore,
    source: input.source,
    as_of: input.asOf,
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
