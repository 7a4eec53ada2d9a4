import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PipelineError } from '../../src/base/error.ts';
import { proxiesFor } from '../../src/remotes/proxy.ts';
import { cloneOf, createDemo, succeeded } from '../commands/projects.ts';
import { createRig } from '../rig.ts';
import { configOf } from './bodies.ts';
import { startFakeS3 } from './fake-s3.ts';
import { startForwardProxy } from './forward-proxy.ts';
import { CANARY, KEY_FILES, KINDS, yamlOf } from './kinds.ts';

const PASSWORD = 'proxy+canary';
const FILES = { 'pipeline.yaml': 'stages:\n  a: { cmd: echo a > a, outs: [a] }\n', ...KEY_FILES };

for (const kind of Object.keys(KINDS).filter((name) => name !== 'azure sas')) {
  test(`${kind}: a proxy that does not answer, or wants another password, is told without its own`, async () => {
    await using proxy = await startForwardProxy(9, 'user:another');
    const { port } = proxy;
    // Drive's own server it is, for no other one gets its credentials; the proxies let nothing through to it.
    const isDrive = kind === 'gdrive';
    for (const [variable, url, said] of [
      ['HTTPS_PROXY', 'http://127.0.0.1:9', ', which HTTPS_PROXY names, cannot be reached (ECONNREFUSED)'],
      [
        isDrive ? 'HTTPS_PROXY' : 'http_proxy',
        `http://127.0.0.1:${port}`,
        ' asks for a user and a password, or for others (407)',
      ],
    ] as const) {
      const scheme = variable === 'HTTPS_PROXY' ? 'https' : 'http';
      const origin = isDrive ? '' : `${scheme}://store.invalid`;
      const rig = createRig({ ...FILES, 'remotes.yaml': yamlOf(kind, origin) });
      const env = { CANARY, [variable]: url.replace('//', `//user:${PASSWORD}@`) };
      const ran = await rig.lockstep(['remote', 'check', '-v'], { env });
      assert.equal(ran.code, 1, ran.stderr);
      assert.ok(ran.stdout.includes(`remote "cloud": the proxy ${url}${said}`), ran.stdout);
      assert.match(ran.stdout, new RegExp(`\n {6}= cure: .*(variable|${variable})`));
      assert.ok(!`${ran.stdout}${ran.stderr}`.includes(PASSWORD));
    }
  });
}

test('a push and a pull go by way of the proxy, and past it to hosts that NO_PROXY names', async () => {
  await using fake = await startFakeS3();
  const port = Number(new URL(fake.url).port);
  await using proxy = await startForwardProxy(port, `user:${PASSWORD}`);
  const rig = await createDemo({ 'remotes.yaml': yamlOf('s3', 'http://store.invalid') });
  const env = { CANARY, HTTP_PROXY: `http://user:${encodeURIComponent(PASSWORD)}@127.0.0.1:${proxy.port}` };
  succeeded(await rig.lockstep(['push'], { env }));
  assert.equal(fake.objects.size, 6);
  assert.ok(proxy.seen.some((line) => line.startsWith('PUT http://store.invalid/bucket/some/files/')));

  const clone = cloneOf(rig);
  succeeded(await clone.lockstep(['pull'], { env }));
  assert.equal(clone.read('parts/2.txt'), 'two\n');
  succeeded(await rig.lockstep(['remote', 'check'], { env }));

  proxy.seen.length = 0;
  const gone = await rig.lockstep(['remote', 'check'], { env: { ...env, NO_PROXY: 'store.invalid' } });
  assert.match(gone.stdout, /^fail {2}put +remote "cloud": no host is called "store\.invalid"/m);
  // This machine's own servers need no exception.
  for (const host of ['127.0.0.1', 'localhost']) {
    rig.write('remotes.yaml', yamlOf('s3', `http://${host}:${port}`));
    succeeded(await rig.lockstep(['remote', 'check'], { env }));
  }
  assert.deepEqual(proxy.seen, []);
});

test('which proxy stands before a server is decided as Node does', () => {
  const used = (url: string, env: Readonly<Record<string, string>>): string | undefined =>
    proxiesFor(configOf(url), env)?.used?.url;
  const both = {
    HTTPS_PROXY: 'http://u:p@one:1',
    HTTP_PROXY: 'https://two:2/',
    http_proxy: 'http://three:3',
  };
  assert.equal(used('https://host/x', both), 'http://one:1');
  assert.equal(used('http://host/x', both), 'http://three:3');
  assert.equal(used('http://host/x', { HTTPS_PROXY: 'http://one:1' }), undefined);
  assert.equal(used('https://host/x', {}), undefined);
  assert.equal(proxiesFor(configOf('/a/folder'), both), undefined);
  for (const host of ['localhost', '127.0.0.1:80', '[::1]:9000'])
    assert.equal(used(`http://${host}/x`, both), undefined);
  for (const [list, isUsed] of [
    ['*', false],
    ['other, HOST.example.org', false],
    ['.example.org', false],
    ['*.example.org', false],
    ['example.org', true],
    ['host.example.org:443', false],
    ['host.example.org:8443', true],
    ['ost.example.org', true],
    [',', true],
  ] as const)
    assert.equal(
      used('https://host.example.org/x', { ...both, NO_PROXY: list }),
      isUsed ? 'http://one:1' : undefined,
      list,
    );
});

test('what is no url of a proxy is refused, without its password, where it would be used', () => {
  for (const value of [`user:${PASSWORD}@host:1`, `socks5://user:${PASSWORD}@host:1`, 'http://', 'host']) {
    assert.throws(
      () => proxiesFor(configOf('https://host/x'), { HTTPS_PROXY: value }),
      (error: PipelineError) => {
        assert.deepEqual([error.code, error.exit], ['remote.proxy', 1]);
        assert.equal(error.message, 'remote "test": HTTPS_PROXY is not the url of a proxy that can be used');
        return true;
      },
    );
    const other = { HTTP_PROXY: value, HTTPS_PROXY: 'http://good:1' };
    const { no_proxy: _, ...env } = proxiesFor(configOf('https://host/x'), other)?.env ?? {};
    assert.deepEqual(env, { HTTPS_PROXY: 'http://good:1' });
  }
});
