import { writeFile } from 'node:fs/promises';
import { defineStage, type StageFunction } from 'lockstep-data';
import { localDate } from '../src/base/session.ts';
import { calendarFor } from '../src/market/calendar.ts';
import { createMarketHttp } from '../src/market/market-http.ts';
import { createRetryPolicy } from '../src/market/retry.ts';
import { formatJson } from '../src/market/reports/json-text.ts';
import { SOURCE_NAMES } from '../src/market/sources/member-source.ts';
import { createStageParams } from '../src/market/stage-params.ts';
import { buildTickers } from '../src/market/tickers.ts';
import { createYahooChart } from '../src/market/yahoo/yahoo-chart.ts';

/** The universe: who is in the SENSEX, by the first source that still tells, each member checked against the chart API. */
const tickers: StageFunction = defineStage(async ({ outs, params, now, signal, log, progress }) => {
  const read = createStageParams(params);
  read.keys('tickers', ['sources', 'min_validated']);
  const { zone } = calendarFor('XBOM');
  const asOf = localDate(now.getTime(), zone);
  const http = await createMarketHttp({
    source: read.text('source'),
    seed: read.text('seed'),
    asOf,
    signal,
  });
  try {
    const retry = createRetryPolicy();
    const file = await buildTickers({
      context: { http, retry, signal },
      yahoo: await createYahooChart({ http, retry, signal }),
      sources: read.choices('tickers.sources', SOURCE_NAMES),
      asOf,
      zone,
      minValidated: read.count('tickers.min_validated', { min: 0, max: 30 }),
      log,
      progress,
    });
    await writeFile(outs['tickers']!, formatJson(file));
  } finally {
    await http.close();
  }
});

export default tickers;
