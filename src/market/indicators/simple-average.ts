import { rolling, windowMean } from './window.ts';

/** Simple moving average over `period` values; first value at row `period − 1` of the defined ones. */
export function simpleAverage(values: Float64Array, period: number): Float64Array {
  return rolling(values, period, windowMean);
}
