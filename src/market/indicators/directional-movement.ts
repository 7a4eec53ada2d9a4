import { trueRange } from './range-bars.ts';
import type { RangeBars } from './range-bars.ts';
import { wilderAverage } from './smoothed-average.ts';

/** Wilder's directional movement, each 0 … 100 and as long as the bars. */
export interface DirectionalMovement {
  /** +DI, from row `period`; 0 while nothing has a range. */
  readonly plus: Float64Array;
  /** −DI, from row `period`; 0 while nothing has a range. */
  readonly minus: Float64Array;
  /** ADX, the Wilder average of `100·|+DI − −DI| / (+DI + −DI)`, from row `2·period − 1`; DX is 0 where both are 0. */
  readonly average: Float64Array;
}

/**
 * Directional movement with all three averages seeded by the first `period` values (not `period − 1` as TA-Lib does).
 * Source: J. W. Wilder, New Concepts in Technical Trading Systems (1978).
 */
export function directionalMovement(bars: RangeBars, period: number): DirectionalMovement {
  const { high, low } = bars;
  const up = high.map((value, row) => value - (high[row - 1] ?? NaN));
  const down = low.map((value, row) => (low[row - 1] ?? NaN) - value);
  const range = wilderAverage(trueRange(bars), period);
  const plus = share(wilderAverage(stronger(up, down, high), period), range);
  const minus = share(wilderAverage(stronger(down, up, high), period), range);
  const index = plus.map((p, row) => {
    const m = minus[row] ?? NaN;
    return p + m === 0 ? 0 : (100 * Math.abs(p - m)) / (p + m);
  });
  return { plus, minus, average: wilderAverage(index, period) };
}

// Far below a step of most prices and above what rounding makes of equal moves, of which a later dividend would choose one.
const EQUAL_WITHIN = 1e-6;

/** A move counts where it is positive and larger than the opposite one, by more than a millionth of the price. */
function stronger(move: Float64Array, opposite: Float64Array, price: Float64Array): Float64Array {
  return move.map((value, row) => {
    if (Number.isNaN(value)) return NaN;
    const margin = value - (opposite[row] ?? NaN);
    return margin > EQUAL_WITHIN * (price[row] ?? NaN) && value > 0 ? value : 0;
  });
}

function share(movement: Float64Array, range: Float64Array): Float64Array {
  return movement.map((value, row) => (range[row] === 0 ? 0 : (100 * value) / (range[row] ?? NaN)));
}
