import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { PipelineError } from '../../src/base/error.ts';
import type { Remote } from '../../src/base/remote.ts';
import { discreet, redactorFor } from '../../src/remotes/discreet.ts';
import { bodyOf, configOf, listAll, readAll } from './bodies.ts';

const { signal } = new AbortController();
const SECRET = 'canary/Secret+Key0123456789==';

function fail(): never {
  const cause = new Error(`the whole request, ${SECRET}`);
  throw new PipelineError('remote.denied', `no, ${SECRET}`, { hint: `not ${SECRET}`, cause });
}

/** A remote whose operations all fail and tell a secret. */
const TELLING: Remote = {
  limits: { concurrency: 1 },
  head: async () => fail(),
  get: async () => fail(),
  put: async () => fail(),
  remove: async () => fail(),
  // oxlint-disable-next-line require-yield -- it has nothing to tell
  async *list() {
    fail();
  },
  flush: async () => fail(),
};

async function* broken(): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from('a');
  fail();
}

/** What an error tells in any way. */
const toldBy = (error: PipelineError): string =>
  [error.message, error.stack, JSON.stringify(error), String(error.cause)].join(' ');

test('no operation tells a secret, nor does a stream or a file that was given', async () => {
  const redactor = redactorFor({ ...configOf('s3://bucket'), secrets: [SECRET] });
  const remote = discreet(TELLING, redactor);
  const stream = Readable.from(broken(), { objectMode: false });
  const streaming = discreet({ ...TELLING, get: async () => ({ stream }) }, redactor);
  for (const [name, act] of Object.entries({
    head: () => remote.head('a', signal),
    get: () => remote.get('a', signal),
    put: () => remote.put('a', bodyOf(Buffer.from('x')), signal),
    remove: () => remote.remove('a', signal),
    list: () => listAll(remote, '', signal),
    flush: async () => remote.flush?.(signal),
    stream: async () => readAll(await streaming.get('a', signal)),
  }))
    await assert.rejects(act, (error: PipelineError) => {
      assert.deepEqual([error.message, error.problems[0].hint], ['no, ***', 'not ***'], name);
      assert.ok(!toldBy(error).includes(SECRET), name);
      return true;
    });
  const faultOf = (): unknown => new Error(SECRET);
  const source = await discreet({ ...TELLING, get: async () => ({ file: '/a', faultOf }) }, redactor).get(
    'a',
    signal,
  );
  assert.ok('file' in source);
  assert.equal((source.faultOf('any') as Error).message, '***');
});

test('what is secret is known by the names of options, from the url, and learned, in every form that it may take', () => {
  for (const [url, options] of [
    ['s3://b', { secret_access_key: SECRET }],
    ['s3://b', { session_token: SECRET }],
    ['azure://b', { account_key: SECRET }],
    ['azure://b', { sas_token: `sv=1&sig=${SECRET}` }],
    ['azure://b', { connection_string: `AccountName=me;AccountKey=${SECRET};EndpointSuffix=core` }],
    ['https://b', { password: SECRET }],
    [`https://me:${encodeURIComponent(SECRET)}@b`, {}],
  ] as const) {
    const told = redactorFor(configOf(url, options)).text(`you sent ${encodeURIComponent(SECRET)}`);
    assert.equal(told, 'you sent ***', JSON.stringify({ url, ...options }));
  }
  const redactor = redactorFor(configOf('s3://b', { access_key_id: 'AKIA', profile: 'work' }));
  assert.equal(redactor.text(`AKIA work ${SECRET}`), `AKIA work ${SECRET}`);
  redactor.learn(SECRET);
  for (const form of [SECRET, SECRET.replace(/=+$/, ''), encodeURIComponent(SECRET)])
    assert.equal(redactor.text(`you sent ${form}`), 'you sent ***');
});
