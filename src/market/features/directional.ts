import { directionalMovement } from '../indicators/directional-movement.ts';
import type { Feature } from './feature.ts';

const OWN = {
  group: 'trend',
  params: { period: 14 },
  scale: 'none',
  anchored: false,
  library: 'lockstep',
} as const;

/** Wilder's directional movement over 14 bars, 0 … 100. */
export const DIRECTIONAL_FEATURES: readonly Feature[] = [
  { ...OWN, name: 'adx_14', first: 27, compute: (history) => directionalMovement(history, 14).average },
  { ...OWN, name: 'di_plus', first: 14, compute: (history) => directionalMovement(history, 14).plus },
  { ...OWN, name: 'di_minus', first: 14, compute: (history) => directionalMovement(history, 14).minus },
];
