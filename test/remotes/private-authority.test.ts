import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { cloneOf, createDemo, succeeded } from '../commands/projects.ts';
import { listenFor } from './listen.ts';
import { selfSigned } from './self-signed.ts';

test('a server with a certificate of its own is refused, and trusted as the hint says', async (t) => {
  const rig = await createDemo();
  succeeded(await rig.lockstep(['push']));
  const own = selfSigned();
  const server = createServer(own, ({ url = '', method }, response) => {
    const file = join(rig.path('remote'), url);
    if (!existsSync(file)) response.writeHead(404).end();
    else if (method === 'HEAD')
      response.writeHead(200, { 'content-length': readFileSync(file).length }).end();
    else response.end(readFileSync(file));
  });
  const clone = cloneOf(rig);
  const { port } = await listenFor(t, server);
  clone.write('remotes.yaml', `remotes:\n  web: { url: "https://127.0.0.1:${port}" }\n`);
  const refused = await clone.lockstep(['pull']);
  assert.equal(refused.code, 1);
  assert.equal(
    refused.stderr.slice(refused.stderr.indexOf('error[')),
    'error[remote.unreachable]: remote "web": the server\'s certificate is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)\n' +
      ' = hint: when a proxy or a private authority signed it, name its certificate in NODE_EXTRA_CA_CERTS\n',
  );
  clone.write('authority.pem', own.cert);
  succeeded(await clone.lockstep(['pull'], { env: { NODE_EXTRA_CA_CERTS: clone.path('authority.pem') } }));
  assert.equal(clone.read('count.txt'), '3\n');
});
