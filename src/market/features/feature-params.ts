import { DEFAULT_FEATURES, featureCatalogue } from './catalogue.ts';
import type { Feature } from './feature.ts';
import { createStageParams } from '../stage-params.ts';
import type { StageParams } from '../stage-params.ts';

/** The settings of a feature run, checked and complete. */
export interface FeatureParams {
  /** In catalogue order. */
  readonly features: readonly Feature[];
  /** Sessions before the first of which all of them are defined. */
  readonly warmup: number;
  /** Rows of the day axis that an observed value may be carried on. */
  readonly carryLimit: number;
  /** Share of the first days that later fitting may learn from. */
  readonly trainFraction: number;
  readonly dtype: 'float64' | 'float32';
}

// More than any history has.
const MOST_ROWS = 100_000;

const DEFAULTS = {
  names: 'default',
  carry_limit: 5,
  train_fraction: 0.7,
  squeeze_lookback: 20,
  dtype: 'float64',
  selection: 'none',
  normalisation: 'none',
};

const at = (key: keyof typeof DEFAULTS): string => `features.${key}`;

/**
 * Reads the `features` section of params.yaml:
 * `names` (`default`, `all` or a list of feature names), `carry_limit` (5), `train_fraction` (0.7), `squeeze_lookback`
 * (20), `dtype` (`float64` or `float32`), `selection` and `normalisation` (both `none`). Absent keys take the value in
 * brackets, an absent section all of them. Error: `params.invalid`.
 */
export function parseFeatureParams(section: unknown): FeatureParams {
  const chosen = section ?? {};
  createStageParams({ features: chosen }).keys('features', Object.keys(DEFAULTS));
  const given: Readonly<Record<keyof typeof DEFAULTS, unknown>> = { ...DEFAULTS, ...chosen };
  const read = createStageParams({ features: given });
  const catalogue = featureCatalogue(read.count(at('squeeze_lookback'), { min: 1, max: MOST_ROWS }));
  const trainFraction = read.fraction(at('train_fraction'));
  if (trainFraction === 0 || trainFraction === 1) {
    read.refuse(at('train_fraction'), 'a number between 0 and 1');
  }
  const { dtype } = given;
  for (const key of ['selection', 'normalisation'] as const) {
    if (methodOf(given[key]) !== 'none') read.refuse(at(key), 'none');
  }
  const features = pickFeatures(catalogue, given.names, read);
  return {
    features,
    warmup: Math.max(...features.map(({ first }) => first)),
    carryLimit: read.count(at('carry_limit'), { min: 0, max: MOST_ROWS }),
    trainFraction,
    dtype:
      dtype === 'float64' || dtype === 'float32' ? dtype : read.refuse(at('dtype'), 'float64 or float32'),
  };
}

function pickFeatures(catalogue: readonly Feature[], names: unknown, read: StageParams): readonly Feature[] {
  if (names === 'all') return catalogue;
  if (names !== 'default' && !Array.isArray(names)) {
    read.refuse(at('names'), 'default, all or a list of names');
  }
  const known = catalogue.map(({ name }) => name);
  const wanted = names === 'default' ? DEFAULT_FEATURES : read.choices(at('names'), known);
  return catalogue.filter(({ name }) => wanted.includes(name));
}

/** `none` and `{ method: none }` are the same. */
function methodOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'method' in value ? value.method : value;
}
