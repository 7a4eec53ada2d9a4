/**
 * Running sum of volume weighted by the day's return: 0 at the first bar, then `+ V · (C/C[-1] − 1)`.
 * Its level depends on where the history begins.
 */
export function priceVolumeTrend(close: Float64Array, volume: Float64Array): Float64Array {
  let trend = 0;
  return close.map((value, row) => {
    if (row > 0) trend += (volume[row] ?? NaN) * (value / (close[row - 1] ?? NaN) - 1);
    return trend;
  });
}
