import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readRemotes, type RemotesReading } from '../../src/read/remotes.ts';
import { REPOSITORY } from '../rig.ts';
import { brief, toLoad } from './rig.ts';

function read(text: string | undefined, env: Readonly<Record<string, string>> = {}): RemotesReading {
  return readRemotes({
    load: toLoad(text === undefined ? {} : { 'remotes.yaml': text }),
    env: (name) => env[name],
  });
}

test('without the file there are no remotes and no problems', () => {
  assert.deepEqual(read(undefined), {
    remotes: { remotes: {} },
    problems: [],
    files: ['remotes.yaml'],
    isFixed: true,
  });
  assert.deepEqual(read('# none yet\n').remotes, { remotes: {} });
});

test('our own file names no remote, and each that it proposes can be taken as it stands', () => {
  const text = readFileSync(join(REPOSITORY, 'remotes.yaml'), 'utf8');
  assert.deepEqual(read(text).remotes, { remotes: {} });
  const taken = text.replaceAll(/^# (?=default:|remotes:| )/gm, '');
  const { remotes, problems } = read(taken, { GOOGLE_DRIVE_FOLDER_ID: '1AbC' });
  assert.deepEqual(problems, []);
  assert.deepEqual(Object.keys(remotes?.remotes ?? {}), ['store', 'drive', 's3', 'azure', 'nas']);
  assert.equal(remotes?.default, 'store');
});

test('a remote has its url, its options and the values that must not be shown', () => {
  const text = `default: bucket
remotes:
  bucket:
    url: s3://\${env:BUCKET}/cache
    region: eu-central-1
    secret_access_key: \${env:S3_SECRET}
    retries: 3
    nested: { list: ["\${env:S3_SECRET}", x] }
  folder: { url: ~/cache }
`;
  const { remotes, problems } = read(text, { BUCKET: 'market', S3_SECRET: 'abc' });
  assert.deepEqual(problems, []);
  assert.equal(remotes?.default, 'bucket');
  assert.deepEqual(remotes?.remotes['bucket'], {
    name: 'bucket',
    url: 's3://market/cache',
    shown: 's3://${env:BUCKET}/cache',
    options: { region: 'eu-central-1', secret_access_key: 'abc', retries: 3, nested: { list: ['abc', 'x'] } },
    secrets: ['abc'],
    at: { file: 'remotes.yaml', line: 3, column: 3, length: 6 },
  });
  assert.equal(remotes?.remotes['folder']?.url, '~/cache');
});

test('the name of a bucket or folder is no secret, and anything else from the environment is', () => {
  for (const [url, secrets] of [
    ['gdrive://${env:A}/sensex', []],
    ['GS://${env:A}', []],
    ['s3://team-${env:A}/x', []],
    ['azure://${env:A}${env:B}/x', []],
    ['azure://${env:A}/${env:B}', ['bbbb']],
    ['gdrive://folder/${env:A}', ['aaaa']],
    ['s3://${env:A}@bucket/x', ['aaaa']],
    ['https://${env:A}/x', ['aaaa']],
    ['/mnt/${env:A}', ['aaaa']],
  ] as const) {
    const { remotes } = read(`remotes: { a: { url: "${url}" } }\n`, { A: 'aaaa', B: 'bbbb' });
    assert.deepEqual(remotes?.remotes['a']?.secrets, secrets, url);
  }
  const both = read('remotes: { a: { url: "gs://${env:A}", token: "${env:A}" } }\n', { A: 'aaaa' });
  assert.deepEqual(both.remotes?.remotes['a']?.secrets, ['aaaa']);
});

test('a variable that is not set concerns its own remote only', () => {
  const { remotes, problems } = read(
    'remotes:\n  a: { url: "gs://b/${env:NOPE}" }\n  b: { url: ../cache }\n',
  );
  assert.deepEqual(problems, []);
  const problem = remotes?.remotes['a']?.problem;
  assert.equal(problem?.code, 'remotes.env');
  assert.match(problem?.message ?? '', /"a".*NOPE/);
  assert.deepEqual(problem?.at, [{ file: 'remotes.yaml', line: 2, column: 21, length: 11 }]);
  assert.equal(remotes?.remotes['b']?.problem, undefined);
});

test('a variable that is empty is told as one that is not set, unless there is more of its value', () => {
  const { remotes } = read(
    'remotes:\n  a: { url: "s3://b${env:EMPTY}", secret_access_key: "${env:EMPTY}" }\n  b: { url: "gs://b${env:EMPTY}" }\n',
    { EMPTY: '' },
  );
  assert.deepEqual(remotes?.remotes['a']?.problem, {
    code: 'remotes.env',
    message: 'the remote "a" needs the environment variable EMPTY, which is empty',
    hint: 'set EMPTY and try again',
    at: [{ file: 'remotes.yaml', line: 2, column: 55, length: 12 }],
  });
  assert.deepEqual([remotes?.remotes['b']?.url, remotes?.remotes['b']?.problem], ['gs://b', undefined]);
});

test('an option that not every account has is as if absent where its variable is empty', () => {
  const { remotes } = read(
    'remotes: { a: { url: "s3://b", session_token: "${env:EMPTY}" }, b: { url: "https://b", token: "${env:EMPTY}" } }\n',
    { EMPTY: '' },
  );
  for (const { options, problem } of Object.values(remotes?.remotes ?? {}))
    assert.deepEqual([options, problem], [{}, undefined]);
});

test('secrets written into the file are refused, wherever they stand', () => {
  const refused = [
    'secret_access_key: x',
    'token: 123',
    'password: x',
    'connection_string: "a;b"',
    'account_key: x',
    'auth: { api_key: x }',
    'sas_token: "x${a}"',
  ];
  for (const url of [
    'https://user:pass@host/a',
    'https://ghp_token@host/a',
    'https://host/a?sig=abc',
    'http://host/a?x=1&X-Amz-Signature=abc',
    's3://b/c?token=abc',
  ])
    for (const text of [`{ url: "${url}" }`, `{ url: s3://b/c, endpoint: "${url}" }`])
      assert.deepEqual(
        read(`remotes: { a: ${text} }\n`).problems.map(({ code }) => code),
        ['remotes.literal-secret'],
        text,
      );
  for (const url of [
    'https://host/a@b',
    'https://${env:T}:${env:T}@host',
    'https://h/a?sig=${env:T}',
    'gs://b/x?y=1',
  ])
    assert.deepEqual(read(`remotes: { a: { url: "${url}" } }\n`, { T: 'x' }).problems, [], url);
  for (const option of refused) {
    assert.deepEqual(
      read(`remotes: { a: { url: s3://b/c, ${option} } }\n`).problems.filter(
        ({ code }) => code === 'remotes.literal-secret',
      ).length,
      1,
      option,
    );
  }
  const allowed = [
    'access_key_id: x',
    'token_file: x',
    'token: "${env:T}"',
    'credentials: key.json',
    'connection_string: "a=${env:T}"',
    'password: null',
  ];
  for (const option of allowed)
    assert.deepEqual(read(`remotes: { a: { url: s3://b/c, ${option} } }\n`, { T: 'x' }).problems, [], option);
});

test('only the environment can be interpolated', () => {
  assert.deepEqual(brief(read('remotes: { a: { url: "s3://b/${name}" } }\n').problems), [
    'remotes.template 1:30',
  ]);
  // As a literal it would be sent as the secret.
  const open = 'remotes:\n  a:\n    url: s3://b\n    secret_access_key: "x${env:KEY"\n';
  assert.deepEqual(brief(read(open, { KEY: 'k' }).problems), ['remotes.template 4:26']);
  assert.deepEqual(read('remotes: { a: { url: "https://h/\\\\${x" } }\n').problems, []);
  // As in the pipeline: what follows a literal is looked at all the same.
  const literal = read("remotes: { a: { url: 'https://h/\\${a ${env:X}}' } }\n", { X: 'v' });
  assert.equal(literal.remotes?.remotes['a']?.url, 'https://h/${a v}');
});

test('known schemes and folders are urls', () => {
  for (const url of [
    'gs://b/p',
    'gdrive://id/p',
    's3://b',
    'azure://c/p',
    'http://h/p',
    'https://h/p',
    '../cache',
    '/mnt/cache',
    '~/cache',
    'C:/cache',
  ]) {
    assert.deepEqual(read(`remotes: { a: { url: "${url}" } }\n`).problems, [], url);
  }
  for (const url of ['gss://b/p', 'S4://b', 'ftp://h/p', 'gs://', 's3:///p', 'gs:bucket']) {
    assert.equal(read(`remotes: { a: { url: "${url}" } }\n`).problems.length, 1, url);
  }
});

test('remotes that cannot be read do not make the default one unknown', () => {
  assert.deepEqual(brief(read('default: a\nremotes: [a]\n').problems), ['remotes.type 2:1']);
  assert.deepEqual(brief(read('default: ""\nremotes: {}\n').problems), ['remotes.type 1:10']);
  assert.deepEqual(brief(read('default: a\n').problems), ['remotes.default 1:10']);
});
