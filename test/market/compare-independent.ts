import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { computeFeatureOutputs } from '../../src/market/feature-run.ts';
import type { FeatureRunInput } from '../../src/market/feature-run.ts';

/** What the second computation writes. */
export interface IndependentMaps {
  readonly symbols: readonly string[];
  readonly features: readonly string[];
  readonly days: readonly string[];
  readonly targets: readonly number[];
  readonly latest_day: string;
  readonly mask: readonly (readonly number[])[];
  readonly values: readonly (readonly (readonly number[])[])[];
  readonly latest: readonly (readonly number[])[];
}

/** Runs `independent.py` (plain Python 3, standard library only) over a folder of raw files. */
export function independentMaps(options: {
  readonly rawDir: string;
  readonly universe: readonly string[];
  readonly indexSymbol: string;
  readonly asOf: string;
  readonly features: string;
}): IndependentMaps {
  const here = fileURLToPath(new URL('.', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'independent-'));
  try {
    const out = join(folder, 'maps.json');
    execFileSync('python3', [
      join(here, 'independent.py'),
      options.rawDir,
      '--universe',
      options.universe.join(','),
      '--index',
      options.indexSymbol,
      '--as-of',
      options.asOf,
      '--calendar',
      join(here, '../../calendars/sessions-XBOM.json'),
      '--features',
      options.features,
      '--out',
      out,
    ]);
    return JSON.parse(readFileSync(out, 'utf8')) as IndependentMaps;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An .npy file as its header says: shape, type and values. Reads format 1.0, C order, little endian. */
export function readNpy(bytes: Uint8Array): { descr: string; shape: number[]; values: number[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  assert.equal(Buffer.from(bytes.subarray(1, 6)).toString('latin1'), 'NUMPY');
  assert.deepEqual([bytes[0], bytes[6], bytes[7]], [0x93, 1, 0]);
  const length = view.getUint16(8, true);
  const header = Buffer.from(bytes.subarray(10, 10 + length)).toString('latin1');
  const found = /^\{'descr': '(.{3})', 'fortran_order': False, 'shape': \(([\d, ]*)\), \} *\n$/.exec(header);
  assert.ok(found, header);
  const [, descr = '', tuple = ''] = found;
  const shape = tuple.split(',').flatMap((text) => (text.trim() === '' ? [] : [Number(text)]));
  const size = Number(descr[2]);
  const values: number[] = [];
  for (let at = 10 + length; at < bytes.byteLength; at += size) {
    if (descr === '<f8') values.push(view.getFloat64(at, true));
    else if (descr === '<f4') values.push(view.getFloat32(at, true));
    else if (descr === '|i1') values.push(view.getInt8(at));
    else values.push(view.getUint8(at));
  }
  return { descr, shape, values };
}

/** Asserts that a feature run over the chosen features (`default`, `all`) gives what the second computation gives. */
export async function assertRunMatchesIndependent(run: FeatureRunInput, features: string): Promise<void> {
  const rawDir = mkdtempSync(join(tmpdir(), 'raw-'));
  try {
    for (const [symbol, text] of run.rawFiles) writeFileSync(join(rawDir, `${symbol}.csv`), text);
    const expected = independentMaps({
      rawDir,
      universe: run.universe,
      indexSymbol: run.indexSymbol,
      asOf: run.fetched.as_of,
      features,
    });
    assertMatchesIndependent(await computeFeatureOutputs({ ...run, params: { names: features } }), expected);
  } finally {
    rmSync(rawDir, { recursive: true, force: true });
  }
}

const TOLERANCE = 1e-9;

/**
 * Asserts that .npy outs equal the second computation: dates, targets and mask exactly, values to a relative tolerance
 * (a value near 0 may differ by the tolerance times 0.001 of its feature's largest size, for differences of prices cancel).
 */
export function assertMatchesIndependent(
  outs: { maps: Uint8Array; mask: Uint8Array; targets: Uint8Array; latest: Uint8Array; dates: string },
  expected: IndependentMaps,
): void {
  const { days, symbols, features } = expected;
  assert.deepEqual(outs.dates.trimEnd().split('\n'), ['date', ...days]);
  assert.deepEqual(readNpy(outs.targets).values, expected.targets);
  assert.deepEqual(readNpy(outs.mask).values, expected.mask.flat());
  const maps = readNpy(outs.maps);
  const latest = readNpy(outs.latest);
  assert.deepEqual(maps.shape, [days.length, symbols.length, features.length]);
  assert.deepEqual(latest.shape, [1, symbols.length, features.length]);
  const actual = [...maps.values, ...latest.values];
  const wanted = [...expected.values.flat(2), ...expected.latest.flat()];
  assert.equal(actual.length, wanted.length);
  const largest = features.map(() => 0);
  for (const [at, value] of wanted.entries()) {
    const feature = at % features.length;
    largest[feature] = Math.max(largest[feature] ?? 0, Math.abs(value));
  }
  for (const [at, value] of wanted.entries()) {
    const feature = at % features.length;
    const scale = Math.max(Math.abs(value), 0.001 * (largest[feature] ?? 0));
    const difference = Math.abs((actual[at] ?? NaN) - value);
    if (difference <= TOLERANCE * scale) continue;
    const cell = Math.floor(at / features.length);
    const day = days[Math.floor(cell / symbols.length)] ?? expected.latest_day;
    const place = `${day} ${symbols[cell % symbols.length]} ${features[feature]}`;
    assert.fail(`${place}: ${actual[at]}, the second computation says ${value}`);
  }
}
