/**
 * `values / values[-lag] − 1` as a fraction; `NaN` in the first `lag` rows and where the earlier value is 0.
 */
export function relativeChange(values: Float64Array, lag: number): Float64Array {
  return values.map((value, row) => {
    const earlier = values[row - lag] ?? NaN;
    return earlier === 0 ? NaN : value / earlier - 1;
  });
}
