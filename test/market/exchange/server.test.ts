import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createExchange } from '../../../src/market/exchange/server.ts';

/** Asks for a path exactly as written: fetch would tidy dots and escapes. */
function statusOfRawPath(url: string, path: string, method = 'GET'): Promise<number> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    request({ hostname, port, path, method }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .once('error', reject)
      .end();
  });
}

test('two exchanges of one seed answer with the same bytes, and their address does not show', async () => {
  const paths = [
    '/world/defects',
    '/v8/finance/chart/%5EBSESN?period1=0&period2=2000000000',
    '/investing/indices/sensex-components',
  ];
  const answers: string[][] = [];
  for (const _ of ['first', 'second']) {
    const exchange = await createExchange({ seed: 'twice' });
    const texts: string[] = [];
    for (const path of paths) texts.push(await (await fetch(exchange.url + path)).text());
    await exchange.close();
    assert.ok(texts.every((text) => !text.includes(new URL(exchange.url).host)));
    answers.push(texts);
  }
  assert.deepEqual(answers[0], answers[1]);
});

test('health answers, an unknown path is 404 and another method is 405', async () => {
  const exchange = await createExchange();
  try {
    assert.deepEqual(await (await fetch(`${exchange.url}/health`)).json(), { status: 'ok' });
    for (const path of [
      '/',
      '/v8/finance/chart',
      '/world',
      '/bseindices/x',
      '/moneycontrol/india/stockpricequote/x/y/Z99',
    ]) {
      assert.equal(await statusOfRawPath(exchange.url, path), 404, path);
    }
    assert.equal(await statusOfRawPath(exchange.url, '/health', 'POST'), 405);
    assert.equal(await statusOfRawPath(exchange.url, '/v8/finance/chart/%E0%A4%A', 'GET'), 400);
  } finally {
    await exchange.close();
  }
});

test('a symbol cannot reach a file outside the folder', async () => {
  const root = mkdtempSync(join(tmpdir(), 'exchange-'));
  const folder = mkdtempSync(join(root, 'data-'));
  writeFileSync(join(root, 'secret.csv'), 'Date,Open,High,Low,Close,Volume\n2024-01-02,1,1,1,1,1\n');
  writeFileSync(join(folder, 'A.NS.csv'), 'Date,Open,High,Low,Close,Volume\n2024-01-02,1,1,1,1,1\n');
  writeFileSync(join(folder, 'BAD.NS.csv'), 'Date,Close\n2024-01-02,1\n');
  const exchange = await createExchange({ dataDir: folder });
  try {
    assert.equal(await statusOfRawPath(exchange.url, '/v8/finance/chart/A.NS'), 200);
    assert.equal(await statusOfRawPath(exchange.url, '/v8/finance/chart/..%2Fsecret'), 404);
    assert.equal(await statusOfRawPath(exchange.url, '/v8/finance/chart/../secret'), 404);
    const bad = await fetch(`${exchange.url}/v8/finance/chart/BAD.NS`);
    assert.equal(bad.status, 500);
    assert.equal(await bad.text(), 'BAD.NS.csv line 1: column "open" is missing\n');
  } finally {
    await exchange.close();
    rmSync(root, { recursive: true });
  }
});

test('options that cannot work are refused with the value', async () => {
  const empty = mkdtempSync(join(tmpdir(), 'exchange-'));
  try {
    await assert.rejects(createExchange({ liveDay: '2025-02-30' }), {
      message: 'live day "2025-02-30" is not a date YYYY-MM-DD',
    });
    for (const liveDay of ['2018-12-31', '2036-01-01']) {
      await assert.rejects(createExchange({ liveDay }), {
        message: `live day "${liveDay}" is not in the simulated world (2019-01-01 to 2035-12-31)`,
      });
    }
    await assert.rejects(createExchange({ dataDir: join(empty, 'nope') }), {
      message: `folder "${join(empty, 'nope')}" cannot be read`,
    });
    await assert.rejects(createExchange({ dataDir: empty }), {
      message: `folder "${empty}" holds no .csv file`,
    });
  } finally {
    rmSync(empty, { recursive: true });
  }
});

test('a closed exchange answers no more, and closing twice is closing once', async () => {
  const exchange = await createExchange();
  await (await fetch(`${exchange.url}/health`)).arrayBuffer();
  await Promise.all([exchange.close(), exchange.close()]);
  await assert.rejects(fetch(`${exchange.url}/health`), TypeError);
});

test('a taken port is an error, not a hanging start', async () => {
  const exchange = await createExchange();
  try {
    await assert.rejects(createExchange({ port: Number(new URL(exchange.url).port) }), {
      code: 'EADDRINUSE',
    });
  } finally {
    await exchange.close();
  }
});
