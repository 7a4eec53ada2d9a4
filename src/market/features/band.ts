import { bollingerBands } from '../indicators/bollinger.ts';
import { rolling, windowMin } from '../indicators/window.ts';
import type { Feature } from './feature.ts';

const PERIOD = 20;
const DEVIATIONS = 2;
const COMMON = {
  group: 'band',
  params: { period: PERIOD, deviations: DEVIATIONS },
  first: PERIOD - 1,
  anchored: false,
  library: 'lockstep',
} as const;

/**
 * Bollinger bands 20/2 and what is read off them; `bb_squeeze` is 1 where the width is the lowest of the last
 * `squeezeLookback` bars, the bar itself included.
 */
export function bandFeatures(squeezeLookback: number): readonly Feature[] {
  const band = (
    name: 'upper' | 'lower' | 'middle' | 'width' | 'position',
    scale: Feature['scale'],
  ): Feature => ({
    ...COMMON,
    name: `bb_${name}`,
    scale,
    compute: ({ close }) => bollingerBands(close, PERIOD, DEVIATIONS)[name],
  });
  return [
    band('upper', 'price'),
    band('lower', 'price'),
    band('middle', 'price'),
    band('width', 'none'),
    band('position', 'none'),
    {
      ...COMMON,
      name: 'bb_squeeze',
      params: { ...COMMON.params, lookback: squeezeLookback },
      first: PERIOD + squeezeLookback - 2,
      scale: 'none',
      compute: ({ close }) => {
        const { width } = bollingerBands(close, PERIOD, DEVIATIONS);
        return rolling(width, squeezeLookback, windowMin).map((lowest, row) => {
          if (Number.isNaN(lowest)) return NaN;
          return width[row] === lowest ? 1 : 0;
        });
      },
    },
  ];
}
