import { DEFAULT_FEATURES, featureCatalogue } from './catalogue.ts';
import type { Feature } from './feature.ts';

/** The settings of a feature run, checked and complete. */
export interface FeatureParams {
  /** In catalogue order. */
  readonly features: readonly Feature[];
  /** Rows of the day axis that an observed value may be carried on. */
  readonly carryLimit: number;
  /** Share of the first days that later fitting may learn from. */
  readonly trainFraction: number;
  readonly dtype: 'float64' | 'float32';
}

type Reader = (value: unknown, path: string) => unknown;

const KNOWN_KEYS: readonly string[] = [
  'names',
  'carry_limit',
  'train_fraction',
  'squeeze_lookback',
  'dtype',
  'selection',
  'normalisation',
];

/**
 * Reads the `features` section of params.yaml:
 * `names` (`default`, `all` or a list of feature names), `carry_limit` (5), `train_fraction` (0.7), `squeeze_lookback`
 * (20), `dtype` (`float64` or `float32`), `selection` and `normalisation` (both `none`). Absent keys take the value in
 * brackets, an absent section all of them. Throws an Error that names the key, the value and what is allowed.
 */
export function parseFeatureParams(section: unknown): FeatureParams {
  const given = section ?? {};
  if (typeof given !== 'object' || Array.isArray(given)) refuse('', section, 'a map of settings');
  const values = given as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(values)) {
    if (!KNOWN_KEYS.includes(key))
      throw new Error(`features.${key} is no setting; known settings: ${KNOWN_KEYS.join(', ')}`);
  }
  const read = <T>(key: string, fallback: T, reader: (value: unknown, path: string) => T): T =>
    values[key] === undefined ? fallback : reader(values[key], `.${key}`);
  const catalogue = featureCatalogue(read('squeeze_lookback', 20, readWhole(1)));
  read('selection', 'none', readNone);
  read('normalisation', 'none', readNone);
  return {
    features: pickFeatures(catalogue, values['names']),
    carryLimit: read('carry_limit', 5, readWhole(0)),
    trainFraction: read('train_fraction', 0.7, readFraction),
    dtype: read('dtype', 'float64', (value, path) => {
      return value === 'float64' || value === 'float32' ? value : refuse(path, value, 'float64 or float32');
    }),
  };
}

function pickFeatures(catalogue: readonly Feature[], names: unknown): readonly Feature[] {
  if (names === 'all') return catalogue;
  const wanted = names === undefined || names === 'default' ? DEFAULT_FEATURES : names;
  if (!Array.isArray(wanted) || wanted.length === 0) {
    return refuse('.names', names, 'default, all or a list of feature names');
  }
  for (const name of wanted as readonly unknown[]) {
    if (!catalogue.some((feature) => feature.name === name)) {
      refuse(
        '.names',
        name,
        `names of the catalogue: ${catalogue.map((feature) => feature.name).join(', ')}`,
      );
    }
  }
  return catalogue.filter((feature) => wanted.includes(feature.name));
}

function readWhole(min: number): (value: unknown, path: string) => number {
  return (value, path) =>
    typeof value === 'number' && Number.isInteger(value) && value >= min
      ? value
      : refuse(path, value, `a whole number from ${min} on`);
}

function readFraction(value: unknown, path: string): number {
  return typeof value === 'number' && value > 0 && value < 1
    ? value
    : refuse(path, value, 'a number between 0 and 1');
}

const readNone: Reader = (value, path) => {
  const method = typeof value === 'object' && value !== null && 'method' in value ? value.method : value;
  return method === 'none' ? 'none' : refuse(path, value, 'none');
};

function refuse(path: string, value: unknown, allowed: string): never {
  throw new Error(`features${path}: ${JSON.stringify(value)} is not allowed; allowed is ${allowed}`);
}
