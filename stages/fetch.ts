import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defineStage, type StageFunction } from 'lockstep-data';
import { localDate } from '../src/base/session.ts';
import { calendarFor } from '../src/market/calendar.ts';
import { computeFetchOutputs } from '../src/market/fetch-run.ts';
import { createMarketHttp } from '../src/market/market-http.ts';
import { createRetryPolicy } from '../src/market/retry.ts';
import { createStageParams } from '../src/market/stage-params.ts';
import { parseTickers } from '../src/market/tickers-file.ts';
import { createYahooChart } from '../src/market/yahoo/yahoo-chart.ts';

/** Daily bars of the universe and its index, one file each as the vendor sent them, and a report on what came. */
const fetchStage: StageFunction = defineStage(async ({ deps, outs, params, now, signal, log, progress }) => {
  const read = createStageParams(params);
  read.keys('fetch', [
    'index',
    'years',
    'currency',
    'min_rows',
    'min_completeness',
    'allow_unadjusted_split',
  ]);
  const symbols = parseTickers(await readFile(deps['tickers']!, 'utf8')).members.map(({ symbol }) => symbol);
  const calendar = calendarFor('XBOM');
  const tickDate = localDate(now.getTime(), calendar.zone);
  const http = await createMarketHttp({
    source: read.text('source'),
    seed: read.text('seed'),
    asOf: tickDate,
    signal,
  });
  try {
    const retry = createRetryPolicy();
    const { files, report } = await computeFetchOutputs({
      yahoo: await createYahooChart({ http, retry, signal }),
      symbols,
      index: read.text('fetch.index'),
      calendar,
      tickDate,
      years: read.count('fetch.years', { min: 1, max: 50 }),
      params: {
        currency: read.text('fetch.currency'),
        min_rows: read.count('fetch.min_rows', { min: 1, max: 100_000 }),
        min_completeness: read.fraction('fetch.min_completeness'),
        allow_unadjusted_split: read.choices('fetch.allow_unadjusted_split', symbols, 0),
      },
      source: http.source,
      log,
      progress,
    });
    for (const [name, text] of files) await writeFile(join(outs['raw']!, name), text);
    await writeFile(outs['quality']!, report);
  } finally {
    await http.close();
  }
});

export default fetchStage;
