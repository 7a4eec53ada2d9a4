import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import rules from './drive-v3.json' with { type: 'json' };
import { callOf, faultOfParameters, selectFields } from './fake-drive-rules.ts';

/** Names in an interface of the vendor's client, which is made from the discovery document of the API. */
function namesIn(text: string, pattern: RegExp): readonly string[] {
  const [, body = ''] = pattern.exec(text) ?? [];
  const indent = /^ */.exec(body.replace(/^\n+/, ''))?.[0] ?? '';
  return [...body.matchAll(new RegExp(`^${indent}'?([$.\\w]+)'?\\?:`, 'gm'))]
    .map(([, name = '']) => name)
    .sort();
}

test('the extract of the reference of Drive says what the client of its vendor says', () => {
  const require = createRequire(import.meta.url);
  const text = readFileSync(require.resolve('googleapis/build/src/apis/drive/v3.d.ts'), 'utf8');
  for (const [method, { parameters }] of Object.entries(rules.methods)) {
    const name = method.charAt(0).toUpperCase() + method.slice(1);
    const known = namesIn(
      text,
      new RegExp(`interface Params\\$Resource\\$Files\\$${name} [^{]*\\{(.*?)\\n    \\}`, 's'),
    );
    const inQuery = known.filter((one) => !['fileId', 'requestBody', 'media'].includes(one));
    assert.deepEqual([...parameters].sort(), inQuery, method);
  }
  const common = namesIn(text, /interface StandardParameters \{(.*?)\n    \}/s);
  assert.deepEqual(
    [...rules.commonParameters].sort(),
    common.filter((one) => one !== 'auth'),
  );
  for (const schema of ['File', 'FileList'] as const)
    assert.deepEqual(
      [...rules.schemas[schema]].sort(),
      namesIn(text, new RegExp(`interface Schema\\$${schema} \\{(.*?)\\n    \\}`, 's')),
      schema,
    );
});

test('the fake knows the calls, parameters and fields of the reference and no others', () => {
  const list = callOf('GET', '/drive/v3/files') ?? assert.fail();
  assert.equal(list.method, 'list');
  assert.deepEqual(callOf('PATCH', '/upload/drive/v3/files/abc'), {
    method: 'update',
    isUpload: true,
    fileId: 'abc',
  });
  for (const [method, path] of [
    ['PUT', '/drive/v3/files'],
    ['GET', '/drive/v2/files'],
    ['GET', '/upload/drive/v3/files/abc'],
  ] as const)
    assert.equal(callOf(method, path), undefined, path);
  assert.equal(faultOfParameters(list, new URLSearchParams('q=x&pageSize=1&fields=files')), undefined);
  assert.match(faultOfParameters(list, new URLSearchParams('query=x')) ?? '', /query/);
  const files = { files: [{ id: 'a', name: 'b', driveId: 'c' }], kind: 'k' };
  assert.deepEqual(selectFields(list, 'files(id,driveId),nextPageToken', files), {
    files: [{ id: 'a', driveId: 'c' }],
  });
  for (const fields of ['files(id', 'file', 'files/title', 'files(id,capabilities/canFly)', 'id'])
    assert.equal(typeof selectFields(list, fields, files), 'string', fields);
});
