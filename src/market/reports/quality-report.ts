import type { FetchReport } from '../fetch-report.ts';
import { formatJson, roundFraction } from './json-text.ts';

/** What only the feature stage can tell about quality. */
export interface FeatureQuality {
  readonly totalFeatures: number;
  readonly validFeatures: number;
  /** Carried and filled values as a fraction of all values. */
  readonly missingShare: number;
}

/** Text of `data_quality_report.json`: the fetch report with `feature_quality` after `data_freshness`. */
export function formatQualityReport(fetched: FetchReport, quality: FeatureQuality): string {
  const entries = Object.entries(fetched).flatMap(([key, value]): [string, unknown][] =>
    key === 'data_freshness'
      ? [
          [key, value],
          [
            'feature_quality',
            {
              total_features: quality.totalFeatures,
              valid_features: quality.validFeatures,
              missing_data_percentage: roundFraction(quality.missingShare),
            },
          ],
        ]
      : [[key, value]],
  );
  return formatJson(Object.fromEntries(entries));
}
