import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCsvSeries } from './csv-series.ts';
import type { ChartBook } from './book.ts';
import type { ChartSeries } from './series.ts';

/** Where recorded files are and which day is today for them. */
export interface CsvBookOptions {
  readonly folder: string;
  readonly liveDay?: string;
}

/**
 * A folder of `<SYMBOL>.csv` as a book. The folder is listed once, at the start, and only the files listed are ever opened, so a
 * symbol cannot name a path. Throws when the folder cannot be read or holds none; a file that cannot be parsed fails the request for it.
 */
export async function createCsvBook({ folder, liveDay }: CsvBookOptions): Promise<ChartBook> {
  const found = await readdir(folder).catch((cause: unknown) => {
    throw new Error(`folder "${folder}" cannot be read`, { cause });
  });
  const names = new Set(found.filter((name) => name.endsWith('.csv')));
  if (names.size === 0) throw new Error(`folder "${folder}" holds no .csv file`);
  const made = new Map<string, ChartSeries>();
  return {
    async series(symbol) {
      const name = `${symbol}.csv`;
      const known = made.get(symbol);
      if (known !== undefined || !names.has(name)) return known;
      const text = await readFile(join(folder, name), 'utf8');
      const series = parseCsvSeries(text, { symbol, ...(liveDay === undefined ? {} : { liveDay }) });
      made.set(symbol, series);
      return series;
    },
    facts: () => ({
      mode: 'data',
      seed: null,
      live_day: liveDay ?? null,
      from: null,
      through: null,
      defects: [],
      actions: [],
      index: null,
    }),
  };
}
