import type { FetchReport } from '../fetch-report.ts';
import { formatJson, roundFraction } from './json-text.ts';

/** What only the feature stage can tell about quality. */
export interface FeatureQuality {
  readonly totalFeatures: number;
  readonly validFeatures: number;
  /** Carried and filled values as a fraction of all values. */
  readonly missingShare: number;
}

/** Text of `data_quality_report.json`: the fetch report with `feature_quality` before its last three keys. */
export function formatQualityReport(fetched: FetchReport, quality: FeatureQuality): string {
  const { data_quality_score, missing, findings, ...head } = fetched;
  return formatJson({
    ...head,
    feature_quality: {
      total_features: quality.totalFeatures,
      valid_features: quality.validFeatures,
      missing_data_percentage: roundFraction(quality.missingShare),
    },
    data_quality_score,
    missing,
    findings,
  });
}
