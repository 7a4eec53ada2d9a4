import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFaultBox, parseFaults } from '../../../src/market/exchange/faults.ts';
import { createExchange } from '../../../src/market/exchange/server.ts';

const TCS = '/v8/finance/chart/TCS.NS?period1=1773700000&period2=1773800000';
const INFY = TCS.replace('TCS', 'INFY');
const BSE = '/bseindices/AsiaIndexAPI/api/Codewise_Indices/w?code=16';

async function withFaults(faults: string, check: (url: string) => Promise<void>): Promise<void> {
  const exchange = await createExchange({ faults });
  try {
    await check(exchange.url);
  } finally {
    await exchange.close();
  }
}

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url);
  await response.arrayBuffer();
  return response.status;
}

test('a fault list names kind, value, times and path segment', () => {
  assert.deepEqual(parseFaults(' 429=7*2@M&M.NS, captcha@investing,cut,503*3 '), [
    { kind: '429', value: 7, times: 2, segment: 'M&M.NS' },
    { kind: 'captcha', value: undefined, times: Number.POSITIVE_INFINITY, segment: 'investing' },
    { kind: 'cut', value: undefined, times: Number.POSITIVE_INFINITY, segment: undefined },
    { kind: '503', value: undefined, times: 3, segment: undefined },
  ]);
  assert.deepEqual(parseFaults(''), []);
});

test('a fault that is not understood is quoted', () => {
  for (const text of ['418', '429=', 'cut*x', '503@', 'CUT']) {
    assert.throws(
      () => parseFaults(`captcha,${text}`),
      (error: Error) => error.message.startsWith(`fault "${text}" is not`),
    );
  }
});

test('a value that no answer can have is refused with what is possible', () => {
  for (const [text, message] of [
    ['captcha=9999', 'fault "captcha=9999" is not possible: a status of captcha is 200 to 599'],
    ['captcha=100', 'fault "captcha=100" is not possible: a status of captcha is 200 to 599'],
    ['slow=3601@TCS.NS', 'fault "slow=3601@TCS.NS" is not possible: seconds of slow are 0 to 3600'],
  ] as const) {
    assert.throws(() => parseFaults(text), { message });
  }
  assert.deepEqual(
    parseFaults('captcha=200,captcha=599,slow=0,slow=3600').map(({ value }) => value),
    [200, 599, 0, 3600],
  );
});

test('faults of one path follow each other as their counts run out', () => {
  const box = createFaultBox(parseFaults('503*2@A,429*1'));
  const kinds = (...path: string[]): (string | undefined)[] =>
    Array.from({ length: 4 }, () => box.take(path, [])?.kind);
  assert.deepEqual(kinds('chart', 'A'), ['503', '503', '429', undefined]);
  assert.deepEqual(kinds('chart', 'B'), ['429', undefined, undefined, undefined]);
});

test('a segment must match whole', () => {
  const box = createFaultBox(parseFaults('cut@TCS'));
  assert.equal(box.take(['chart', 'TCS.NS'], []), undefined);
  assert.equal(box.take(['chart', 'TCS'], [])?.kind, 'cut');
});

test('a number of 503 answers comes before the real one, and other symbols are spared', async () => {
  await withFaults('503*2@TCS.NS', async (url) => {
    assert.deepEqual(
      [
        await statusOf(url + TCS),
        await statusOf(url + INFY),
        await statusOf(url + TCS),
        await statusOf(url + TCS),
      ],
      [503, 200, 503, 200],
    );
  });
});

test('429 comes as the recorded text, with Retry-After only when a value is given', async () => {
  await withFaults('429*1@TCS.NS,429=7*1@INFY.NS', async (url) => {
    const bare = await fetch(url + TCS);
    assert.equal(bare.status, 429);
    assert.equal(bare.headers.get('retry-after'), null);
    assert.equal(await bare.text(), 'Edge: Too Many Requests');
    const wish = await fetch(url + INFY);
    assert.equal(wish.headers.get('retry-after'), '7');
    await wish.arrayBuffer();
  });
});

test('a cut answer is a whole HTTP answer whose JSON ends in the middle', async () => {
  await withFaults('cut*1', async (url) => {
    const cut = await (await fetch(url + TCS)).text();
    const whole = await (await fetch(url + TCS)).text();
    assert.equal(cut, whole.slice(0, Math.floor(whole.length / 2)));
    assert.throws(() => JSON.parse(cut) as unknown);
  });
});

test('a broken connection is no answer at all', async () => {
  await withFaults('reset*1', async (url) => {
    await assert.rejects(fetch(url + TCS), TypeError);
    assert.equal(await statusOf(url + TCS), 200);
  });
});

test('a captcha page comes with status 200 or the one that is given', async () => {
  await withFaults('captcha@bseindices,captcha=403@investing', async (url) => {
    const page = await fetch(url + BSE);
    assert.equal(page.status, 200);
    assert.match(page.headers.get('content-type') ?? '', /^text\/html/);
    assert.match(await page.text(), /<title>Just a moment\.\.\.<\/title>/);
    assert.equal(await statusOf(`${url}/investing/indices/sensex-components`), 403);
  });
});

test('a UTF-16 page keeps saying that it is UTF-8', async () => {
  await withFaults('utf16', async (url) => {
    const response = await fetch(`${url}/wikipedia/wiki/BSE_SENSEX`);
    assert.match(response.headers.get('content-type') ?? '', /utf-8/);
    const bytes = new Uint8Array(await response.arrayBuffer());
    assert.deepEqual([...bytes.subarray(0, 4)], [0xff, 0xfe, 0x3c, 0x00]);
    assert.match(new TextDecoder('utf-16le').decode(bytes), /^<!DOCTYPE html>[^]*BSE SENSEX/);
  });
});

test('a chart without rows is an empty range of the same stock', async () => {
  await withFaults('', async (url) => {
    const resultOf = async (query: string): Promise<{ meta: object; timestamp?: number[] }> => {
      const body = (await (await fetch(`${url}${TCS}${query}`)).json()) as { chart: { result: [never] } };
      return body.chart.result[0];
    };
    const { meta } = await resultOf('');
    const empty = await resultOf('&fault=empty');
    assert.equal(empty.timestamp, undefined);
    // Where a range begins decides which close was before it.
    const before = { chartPreviousClose: 0 };
    assert.deepEqual({ ...empty.meta, ...before }, { ...meta, ...before });
  });
});

test('a single request is spoiled by its query, with its own count', async () => {
  await withFaults('', async (url) => {
    const path = `${TCS}&fault=503*1`;
    assert.deepEqual(
      [await statusOf(url + path), await statusOf(url + path), await statusOf(url + TCS)],
      [503, 200, 200],
    );
    assert.equal(await statusOf(`${url}${TCS}&fault=nonsense`), 400);
  });
});

test('faults without a segment leave health and the list of defects alone', async () => {
  await withFaults('500', async (url) => {
    assert.equal(await statusOf(`${url}/health`), 200);
    assert.equal(await statusOf(`${url}/world/defects`), 200);
    assert.equal(await statusOf(url + TCS), 500);
  });
});

test('a slow answer waits, and a closing exchange does not wait for it', async () => {
  const exchange = await createExchange({ faults: 'slow=600@TCS.NS' });
  const slow = fetch(exchange.url + TCS).then(
    () => 'answered',
    () => 'dropped',
  );
  // Its neighbour is answered meanwhile: the server is waiting, not stuck.
  assert.equal(await statusOf(exchange.url + INFY), 200);
  await exchange.close();
  assert.equal(await slow, 'dropped');
});
