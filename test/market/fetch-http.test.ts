import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { createMarketHttp, parseRetryAfter, toSourceKind } from '../../src/market/market-http.ts';
import type { AddressInfo } from 'node:net';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import type { MarketHttp } from '../../src/market/market-http.ts';

const BSE = 'https://www.bseindices.com/AsiaIndexAPI/api/Codewise_Indices/w?code=16';

interface ServeOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** A network whose exchange is the given handler on loopback. */
async function serve(
  t: TestContext,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  { signal = new AbortController().signal, timeoutMs = 60_000 }: ServeOptions = {},
): Promise<MarketHttp> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return createMarketHttp({ source: `http://127.0.0.1:${port}/`, signal, timeoutMs });
}

test('canonical URLs become paths of the exchange, with query and the headers of the caller', async (t) => {
  const seen: (string | undefined)[] = [];
  const http = await serve(t, (request, response) => {
    seen.push(request.url, request.headers.referer);
    response.end('ok');
  });
  assert.equal(http.source, 'exchange');
  for (const url of [
    BSE,
    'https://www.moneycontrol.com/markets/indian-indices/bse-sensex-4.html',
    'https://www.investing.com/indices/sensex-components',
    'https://en.wikipedia.org/wiki/BSE_SENSEX',
    'https://archives.nseindia.com/content/equities/EQUITY_L.csv',
    'https://query2.finance.yahoo.com/v8/finance/chart/%5EBSESN?period1=1&period2=2',
  ]) {
    await http.get(url, { referer: 'https://www.bseindices.com/' });
  }
  assert.deepEqual(
    seen.filter((_, index) => index % 2 === 0),
    [
      '/bseindices/AsiaIndexAPI/api/Codewise_Indices/w?code=16',
      '/moneycontrol/markets/indian-indices/bse-sensex-4.html',
      '/investing/indices/sensex-components',
      '/wikipedia/wiki/BSE_SENSEX',
      '/nse/content/equities/EQUITY_L.csv',
      '/v8/finance/chart/%5EBSESN?period1=1&period2=2',
    ],
  );
  assert.equal(seen[1], 'https://www.bseindices.com/');
  await assert.rejects(http.get('https://example.com/x'), { code: 'http.unknown-origin' });
});

test('each status has its code, its hope and a sentence without address, port or query', async (t) => {
  let status = 200;
  const http = await serve(t, (_, response) => {
    response.writeHead(status, { 'retry-after': '7' }).end('no');
  });
  for (const [given, code, retryable, retryAfterMs] of [
    [404, 'http.not-found', false, undefined],
    [400, 'http.bad-request', false, undefined],
    [401, 'http.blocked', false, undefined],
    [403, 'http.blocked', false, undefined],
    [418, 'http.status', false, undefined],
    [501, 'http.status', false, undefined],
    [429, 'http.rate-limited', true, 7_000],
    ...([408, 500, 502, 503, 504, 520, 522, 524, 529] as const).map(
      (given) => [given, 'http.server-error', true, 7_000] as const,
    ),
  ] as const) {
    status = given;
    await assert.rejects(http.get(BSE), {
      code,
      retryable,
      retryAfterMs,
      message: `https://www.bseindices.com/AsiaIndexAPI/api/Codewise_Indices/w answered with status ${given}`,
    });
  }
});

test('a server that does not answer, breaks off or is not there is worth another try', async (t) => {
  const silent = await serve(t, () => undefined, { timeoutMs: 20 });
  await assert.rejects(silent.get(BSE), { code: 'http.timeout', retryable: true });

  const breaking = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('half');
    setImmediate(() => response.destroy());
  });
  await assert.rejects(breaking.get(BSE), { code: 'http.unreachable', retryable: true });

  const { signal } = new AbortController();
  const absent = await createMarketHttp({ source: 'http://127.0.0.1:1', signal });
  await assert.rejects(absent.get(BSE), (error: Error) => !error.message.includes('127.0.0.1'));
});

test('an abort ends a request with the reason of the signal, not as a network failure', async (t) => {
  const controller = new AbortController();
  const http = await serve(t, () => controller.abort(new Error('stopped by the user')), {
    signal: controller.signal,
  });
  await assert.rejects(http.get(BSE), { message: 'stopped by the user' });
});

test('a source is simulated, live or an address, and nothing else', () => {
  assert.equal(toSourceKind('simulated'), 'simulated');
  assert.equal(toSourceKind('live'), 'live');
  assert.equal(toSourceKind('http://127.0.0.1:8080'), 'exchange');
  for (const source of ['', 'Live', 'file:///etc/passwd', 'localhost:8080']) {
    assert.throws(() => toSourceKind(source), { code: 'source.unknown' });
  }
});

test('a Retry-After date counts from the date of the answer itself', () => {
  const parse = (headers: Record<string, string>): number | undefined =>
    parseRetryAfter(new Headers(headers));
  const date = 'Tue, 17 Mar 2026 10:00:00 GMT';
  assert.equal(parse({ 'retry-after': 'Tue, 17 Mar 2026 10:00:30 GMT', date }), 30_000);
  assert.equal(parse({ 'retry-after': 'Tue, 17 Mar 2026 09:00:00 GMT', date }), 0);
  assert.equal(parse({ 'retry-after': 'Tue, 17 Mar 2026 10:00:30 GMT' }), undefined);
  assert.equal(parse({ 'retry-after': 'soon', date }), undefined);
  assert.equal(parse({}), undefined);
});
