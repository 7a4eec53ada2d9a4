import type { FetchReport } from '../fetch-report.ts';
import { formatJson } from './json-text.ts';

/** What only the feature stage can tell about quality, keys as they are printed. */
export interface FeatureQuality {
  readonly total_features: number;
  readonly valid_features: number;
  /** Carried and filled values as a fraction of all values. */
  readonly missing_data_percentage: number;
}

/** Text of `data_quality_report.json`: the fetch report with `feature_quality` before its last three keys. */
export function formatQualityReport(fetched: FetchReport, feature_quality: FeatureQuality): string {
  const { data_quality_score, missing, findings, ...head } = fetched;
  return formatJson({ ...head, feature_quality, data_quality_score, missing, findings });
}
