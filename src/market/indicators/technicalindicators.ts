import type { RangeBars } from './range-bars.ts';

// The package serves where it agrees with the published tables to 2e-12 and an edge case cannot poison later rows. It is
// imported inside the functions, so that a run whose features do not need it does not load it.

/** The package drops warm-up rows, so its output is aligned to the right and `NaN` stands in front. */
function alignRight(values: readonly number[], length: number): Float64Array {
  const result = new Float64Array(length).fill(NaN);
  result.set(values, length - values.length);
  return result;
}

function columns(bars: RangeBars): { high: number[]; low: number[]; close: number[] } {
  return { high: [...bars.high], low: [...bars.low], close: [...bars.close] };
}

/**
 * Exponential average of prices, seeded by the mean of the first `period`; first value at row `period − 1`.
 * Only for positive values: the package takes a seed of 0 for "no seed yet".
 */
export async function priceExponentialAverage(price: Float64Array, period: number): Promise<Float64Array> {
  const { EMA } = await import('technicalindicators');
  return alignRight(EMA.calculate({ period, values: [...price] }), price.length);
}

/**
 * Wilder's average true range in price units; first value at row `period`.
 * Source: J. W. Wilder, New Concepts in Technical Trading Systems (1978).
 */
export async function averageTrueRange(bars: RangeBars, period: number): Promise<Float64Array> {
  const { ATR } = await import('technicalindicators');
  return alignRight(ATR.calculate({ period, ...columns(bars) }), bars.close.length);
}

/**
 * Williams %R, −100 … 0: `−100·(HH−C)/(HH−LL)`; first value at row `period − 1`; −50 where the whole window has one price (the package
 * answers `NaN` there and nowhere else). Source: L. Williams, How I Made One Million Dollars Last Year Trading Commodities (1973).
 */
export async function williamsR(bars: RangeBars, period: number): Promise<Float64Array> {
  const { WilliamsR } = await import('technicalindicators');
  const values = WilliamsR.calculate({ period, ...columns(bars) });
  return alignRight(
    values.map((value) => (Number.isNaN(value) ? -50 : value)),
    bars.close.length,
  );
}

/** Rate of change in percent over `period` bars, `100·(C/C[-period] − 1)`; first value at row `period`. */
export async function rateOfChange(price: Float64Array, period: number): Promise<Float64Array> {
  const { ROC } = await import('technicalindicators');
  return alignRight(ROC.calculate({ period, values: [...price] }), price.length);
}

/**
 * On-balance volume: the sum of volumes of bars that closed higher, less those that closed lower; 0 at the first bar (the package begins
 * at the second). Its level depends on where history begins. Source: J. Granville, New Key to Stock Market Profits (1963).
 */
export async function onBalanceVolume(close: Float64Array, volume: Float64Array): Promise<Float64Array> {
  const { OBV } = await import('technicalindicators');
  const result = alignRight(OBV.calculate({ close: [...close], volume: [...volume] }), close.length);
  if (result.length > 0) result[0] = 0;
  return result;
}
