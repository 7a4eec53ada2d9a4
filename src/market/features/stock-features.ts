import type { CleanSeries } from '../checks/clean.ts';
import { causalFactors, toCausalUnits } from './causal-units.ts';
import type { Feature } from './feature.ts';
import { toHistory } from './history.ts';

/** Feature values of one stock on its own bars: one column per feature, `NaN` = not defined. */
export interface StockFeatures {
  readonly dates: readonly string[];
  readonly columns: readonly Float64Array[];
}

/** Computes the features of one stock; a value at a bar knows nothing of later bars. */
export async function computeStockFeatures(
  stock: CleanSeries,
  features: readonly Feature[],
): Promise<StockFeatures> {
  const history = toHistory(stock.bars);
  const factors = causalFactors(stock.bars, stock.events.splits);
  const columns: Float64Array[] = [];
  for (const feature of features) {
    columns.push(toCausalUnits(await feature.compute(history), feature.scale, factors));
  }
  return { dates: history.dates, columns };
}
