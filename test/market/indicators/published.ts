import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { History } from '../../../src/market/features/feature.ts';
import { featureCatalogue } from '../../../src/market/features/catalogue.ts';
import { recordedPath } from '../recorded.ts';

/** Rows of a CSV as records by header name. */
export async function readTable(path: string): Promise<Record<string, string>[]> {
  const [header = '', ...lines] = (await readFile(path, 'utf8'))
    .replace(/^\uFEFF/, '')
    .trim()
    .split(/\r?\n/);
  const names = header.split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    return Object.fromEntries(names.map((name, at) => [name, cells[at] ?? '']));
  });
}

/** The 502 daily bars that all published tables were computed from. */
export async function skenderBars(): Promise<History> {
  const rows = await readTable(recordedPath('indicators/skender/quotes/default.csv'));
  const column = (name: string): Float64Array => Float64Array.from(rows, (row) => Number(row[name]));
  return {
    open: column('open'),
    high: column('high'),
    low: column('low'),
    close: column('close'),
    volume: column('volume'),
  };
}

/** One column of a published result, `NaN` where it has no value. */
export async function skenderResult(name: string, field: string): Promise<number[]> {
  const path = recordedPath('indicators/skender/results', `${name}.standard.json`);
  const rows = JSON.parse(await readFile(path, 'utf8')) as Record<string, number | null>[];
  return rows.map((row) => row[field] ?? NaN);
}

/** One column of a published worksheet, `NaN` where the cell is empty. */
export async function skenderSheet(name: string, field: string): Promise<number[]> {
  const rows = await readTable(recordedPath('indicators/skender/spreadsheets', `${name}.csv`));
  return rows.map((row) => (row[field] === undefined || row[field] === '' ? NaN : Number(row[field])));
}

/** A feature's values over a history. */
export async function compute(name: string, history: History, squeezeLookback = 20): Promise<Float64Array> {
  const feature = featureCatalogue(squeezeLookback).find((candidate) => candidate.name === name);
  assert.ok(feature, name);
  return await feature.compute(history);
}

/** Asserts equal length, equal rows without value, and values within a tolerance relative to the larger of value and 0.001. */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  label: string,
): void {
  assert.equal(actual.length, expected.length, `${label}: length`);
  for (let row = 0; row < expected.length; row++) {
    const [a, e] = [actual[row] ?? NaN, expected[row] ?? NaN];
    const scale = Math.max(1e-3, Math.abs(e));
    const near = Number.isNaN(e) ? Number.isNaN(a) : Math.abs(a - e) <= tolerance * scale;
    assert.ok(near, `${label}[${row}]: ${a}, expected ${e}`);
  }
}

/** Bars from rows `[open, high, low, close, volume]`. */
export function barsOf(rows: readonly (readonly [number, number, number, number, number])[]): History {
  const column = (at: 0 | 1 | 2 | 3 | 4): Float64Array => Float64Array.from(rows, (row) => row[at]);
  return {
    open: column(0),
    high: column(1),
    low: column(2),
    close: column(3),
    volume: column(4),
  };
}

/** Bars that never move: one price, one volume. */
export function flatBars(length: number, price: number, volume: number): History {
  return barsOf(Array.from({ length }, () => [price, price, price, price, volume] as const));
}
