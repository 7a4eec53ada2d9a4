import { populationDeviation, simpleAverage } from './window.ts';

/** Bands around a moving average and two numbers read off them; all as long as the closes. */
export interface BollingerBands {
  readonly middle: Float64Array;
  readonly upper: Float64Array;
  readonly lower: Float64Array;
  /** `(upper − lower) / middle`; 0 on a flat window. */
  readonly width: Float64Array;
  /** `(C − lower) / (upper − lower)`; 0.5 on a flat window. */
  readonly position: Float64Array;
}

/**
 * Bollinger bands: mean of `period` closes ± `deviations` population standard deviations; first values at row
 * `period − 1`. Source: J. Bollinger, Bollinger on Bollinger Bands (2001).
 */
export function bollingerBands(close: Float64Array, period: number, deviations: number): BollingerBands {
  const middle = simpleAverage(close, period);
  const deviation = populationDeviation(close, period);
  const upper = middle.map((mean, row) => mean + deviations * (deviation[row] ?? NaN));
  const lower = middle.map((mean, row) => mean - deviations * (deviation[row] ?? NaN));
  const width = middle.map((mean, row) => ((upper[row] ?? NaN) - (lower[row] ?? NaN)) / mean);
  const position = close.map((value, row) => {
    const top = upper[row] ?? NaN;
    const bottom = lower[row] ?? NaN;
    return top === bottom ? 0.5 : (value - bottom) / (top - bottom);
  });
  return { middle, upper, lower, width, position };
}
