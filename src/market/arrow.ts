import type { Vector } from 'apache-arrow';
import type { FeatureTensor } from './features/tensor.ts';

/** What the rows of the Arrow file are made of; lengths agree with the tensor's shape. */
export interface ArrowFeatures {
  readonly tensor: FeatureTensor;
  readonly days: readonly string[];
  readonly symbols: readonly string[];
  readonly features: readonly string[];
  readonly targets: Int8Array;
}

const DAY_MS = 86_400_000;

/**
 * Bytes of an Arrow IPC file with one record batch, uncompressed, rows by day and then by stock:
 * `date: date32, symbol: dictionary<int32, utf8>, observed: bool, target: int8`, then one float64 per feature. No column
 * has nulls, nothing in it varies between runs: equal input gives equal bytes. Loads apache-arrow at the first call.
 */
export async function formatFeaturesArrow(input: ArrowFeatures): Promise<Uint8Array> {
  const arrow = await import('apache-arrow');
  const { tensor, days, symbols, features, targets } = input;
  const [dayCount, stockCount, featureCount] = tensor.shape;
  const rows = dayCount * stockCount;
  const perRow = <T extends Int32Array | Int8Array | Float64Array>(
    column: T,
    value: (row: number) => number,
  ): T => {
    for (let row = 0; row < rows; row++) column[row] = value(row);
    return column;
  };
  const dayOf = (row: number): number => Math.floor(row / stockCount);
  const dates = days.map((date) => Date.parse(date) / DAY_MS);

  const names = arrow.vectorFromArray([...symbols], new arrow.Utf8());
  // The id is given, because the package otherwise counts dictionaries per process and prints the count.
  const symbolType = new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32(), 0);
  const columns: Record<string, Vector> = {
    date: arrow.makeVector(
      arrow.makeData({
        type: new arrow.DateDay(),
        data: perRow(new Int32Array(rows), (row) => dates[dayOf(row)] ?? 0),
      }),
    ),
    symbol: arrow.makeVector(
      arrow.makeData({
        type: symbolType,
        data: perRow(new Int32Array(rows), (row) => row % stockCount),
        dictionary: names,
      }),
    ),
    observed: arrow.vectorFromArray([...tensor.mask.subarray(0, rows)].map(Boolean), new arrow.Bool()),
    target: arrow.makeVector(perRow(new Int8Array(rows), (row) => targets[dayOf(row)] ?? 0)),
  };
  for (const [feature, name] of features.entries()) {
    columns[name] = arrow.makeVector(
      perRow(new Float64Array(rows), (row) => tensor.values[row * featureCount + feature] ?? NaN),
    );
  }
  return arrow.tableToIPC(new arrow.Table(columns), 'file');
}
