import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { test } from 'node:test';
import { configOf } from './bodies.ts';
import { open } from './open.ts';

const run = promisify(execFile);

test('a scheme that no remote serves is told with the nearest known one', async () => {
  await assert.rejects(open(configOf('s4://bucket')), {
    code: 'remote.unknown-scheme',
    exit: 2,
    message: 'remote "test": no remote is known for "s4:"',
    problems: [
      {
        code: 'remote.unknown-scheme',
        message: 'remote "test": no remote is known for "s4:"',
        hint: 'did you mean "s3"?',
        at: [{ file: 'remotes.yaml', line: 3, column: 3, length: 4 }],
      },
    ],
  });
});

test('a relative folder is no address', async () => {
  await assert.rejects(open(configOf('some/folder')), { code: 'remote.option', exit: 2 });
});

test('a url that goes up or stays is no address of a bucket: libraries resolve it, in some requests', async () => {
  for (const url of [
    's3://bucket/a/../b',
    's3://bucket/./b',
    'azure://box/..',
    'gs://../a',
    'gdrive://id/a/.',
  ])
    await assert.rejects(open(configOf(url)), /the url goes by "\.\.?"/);
});

test('an option that a remote does not know is told with the nearest known one', async () => {
  await assert.rejects(open(configOf('/tmp', { jbos: 3 })), {
    code: 'remote.option',
    exit: 2,
    problems: [
      {
        code: 'remote.option',
        message: 'remote "test": no option is called "jbos"',
        hint: 'did you mean "jobs"?',
        at: [{ file: 'remotes.yaml', line: 3, column: 3, length: 4 }],
      },
    ],
  });
});

test('jobs is the number of requests at once, and is a whole number of at least 1', async () => {
  assert.equal((await open(configOf('/tmp', { jobs: 3 }))).limits.concurrency, 3);
  assert.equal((await open(configOf('/tmp', { jobs: '12' }))).limits.concurrency, 12);
  for (const jobs of [0, -1, 1.5, 'many', true]) {
    await assert.rejects(open(configOf('/tmp', { jobs })), {
      code: 'remote.option',
      message: 'remote "test": the option "jobs" is not a whole number of at least 1',
    });
  }
});

test('a key that leaves its place is refused by every operation', async () => {
  const remote = await open(configOf('/tmp'));
  const { signal } = new AbortController();
  for (const key of ['../x', 'a/../../x', '/etc/passwd', 'a//b', '']) {
    await assert.rejects(remote.head(key, signal), TypeError);
    await assert.rejects(remote.get(key, signal), TypeError);
    await assert.rejects(remote.remove(key, signal), TypeError);
    await assert.rejects(remote.put(key, { size: 0, open: () => assert.fail() }, signal), TypeError);
  }
});

test('opening a folder or a web server loads no package', async () => {
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = new Set();
    registerHooks({ load(url, context, next) {
      const name = /node_modules\\/((?:@[^/]+\\/)?[^/]+)\\/(?!.*node_modules)/.exec(url)?.[1];
      if (name) loaded.add(name);
      return next(url, context);
    } });
    const { openRemote } = await import(${JSON.stringify(new URL('../../src/remotes/index.ts', import.meta.url).href)});
    const clock = { now: () => 0, sleep: async () => {} };
    const at = { file: 'remotes.yaml', line: 1, column: 1, length: 1 };
    const { signal } = new AbortController();
    const remote = await openRemote({ name: 'x', url: process.argv[1], options: {}, at }, { signal, clock, random: () => 0, root: '/', env: {} });
    try { await remote.head('a', signal); } catch {}
    process.stdout.write(JSON.stringify([...loaded].sort()));
  `;
  const loadedFor = async (url: string): Promise<unknown> => {
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script, '--', url]);
    return JSON.parse(stdout);
  };
  assert.deepEqual(await loadedFor('/tmp'), []);
  assert.deepEqual(await loadedFor('http://127.0.0.1:1/'), []);
  // The hook sees what is loaded: an SDK shows up where it is used.
  assert.ok(((await loadedFor('s3://bucket?')) as string[]).includes('@aws-sdk/client-s3'));
});
