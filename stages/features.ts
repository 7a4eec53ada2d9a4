import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defineStage, type StageFunction } from 'lockstep-data';
import { calendarFor } from '../src/market/calendar.ts';
import { computeFeatureOutputs } from '../src/market/feature-run.ts';
import { parseFetchReport } from '../src/market/reports/parse-fetch-report.ts';
import { createStageParams } from '../src/market/stage-params.ts';
import { parseTickers } from '../src/market/tickers-file.ts';

/** Raw bars → the tensor of features with mask, targets and dates, what is in it, and how good it is. */
const features: StageFunction = defineStage(async ({ deps, outs, params }) => {
  const names = (await readdir(deps['raw']!)).filter((name) => name.endsWith('.csv')).sort();
  const rawFiles = new Map<string, string>();
  for (const name of names) {
    rawFiles.set(name.slice(0, -'.csv'.length), await readFile(join(deps['raw']!, name), 'utf8'));
  }
  const outputs = await computeFeatureOutputs({
    rawFiles,
    universe: parseTickers(await readFile(deps['tickers']!, 'utf8')).members.map(({ symbol }) => symbol),
    indexSymbol: createStageParams(params).text('fetch.index'),
    fetched: parseFetchReport(await readFile(deps['report']!, 'utf8')),
    params: params['features'],
    calendar: calendarFor('XBOM'),
  });
  for (const [name, content] of Object.entries(outputs)) await writeFile(outs[name]!, content);
});

export default features;
