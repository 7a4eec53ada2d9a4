import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { existsSync, readdirSync } from 'node:fs';
import test from 'node:test';
import { fakeS3Yaml, startFakeS3 } from '../remotes/fake-s3.ts';
import type { FakeS3 } from '../remotes/fake-s3.ts';
import { listen } from '../remotes/listen.ts';
import { createRig } from '../rig.ts';
import type { Ran, Rig } from '../rig.ts';
import { FILES, eventOf, jsonOf, succeeded } from './projects.ts';

const SECRET = 'correct-horse-battery';
const env = { FAKE_SECRET: SECRET };

function rigWith(fake: FakeS3): Rig {
  return createRig({ ...FILES, 'remotes.yaml': fakeS3Yaml(fake.url) });
}

/** `ok put`, `fail get`, … in the order told. */
function stepsOf(ran: Ran): readonly string[] {
  return [...ran.stdout.matchAll(/^(ok|warn|fail) +([a-z]+) /gm)].map(
    ([, status, step]) => `${status} ${step}`,
  );
}

const ALL = ['open', 'put', 'head', 'get', 'list', 'remove', 'clock'];

test('a folder that works passes every step, and keeps no object of the check', async () => {
  const rig = createRig({ ...FILES, 'remotes.yaml': 'remotes:\n  near: { url: store }\n' });
  const ran = succeeded(await rig.lockstep(['remote', 'check']));
  assert.deepEqual(
    stepsOf(ran),
    ALL.map((step) => `ok ${step}`),
  );
  assert.match(ran.stdout, /^near {2}store\n/);
  assert.match(ran.stdout, /^ok {4}get {5}the same 64 KiB come back {2}\(\d+ms\)$/m);
  assert.match(ran.stdout, /\nnear can be used: 7 steps went well in \S+\.\n$/);
  const left = readdirSync(rig.path('store'), { recursive: true, withFileTypes: true });
  assert.deepEqual(
    left.filter((entry) => entry.isFile()),
    [],
  );
});

test('a folder inside an out can be no remote, and nothing is written into it', async () => {
  const rig = createRig({ ...FILES, 'remotes.yaml': 'remotes:\n  near: { url: parts }\n' });
  const ran = await rig.lockstep(['remote', 'check']);
  assert.equal(ran.code, 1);
  assert.deepEqual(stepsOf(ran), ['fail open']);
  assert.match(ran.stdout, /remote "near": its folder lies in "parts" /);
  assert.ok(!existsSync(rig.path('parts')));
  const looked = await rig.lockstep(['doctor', '--remotes']);
  assert.match(looked.stdout, /^fail .*remote "near": its folder lies in "parts"$/m);
});

test('a cloud that works passes every step; --json has a line for each and one for all', async () => {
  await using fake = await startFakeS3();
  const rig = rigWith(fake);
  const ran = succeeded(await rig.lockstep(['remote', 'check', 'cloud', '--json'], { env }));
  const steps = jsonOf(ran).filter((one) => one['type'] === 'step');
  assert.deepEqual(
    steps.map((one) => [one['step'], one['status'], typeof one['durationMs']]),
    ALL.map((step) => [step, 'ok', 'number']),
  );
  assert.deepEqual(
    { ...eventOf(ran, 'remote-checked'), durationMs: 0 },
    {
      type: 'remote-checked',
      remote: 'cloud',
      ok: 7,
      warn: 0,
      fail: 0,
      durationMs: 0,
    },
  );
  assert.equal(fake.objects.size, 0);
});

test('a right that is missing is told with what mends it, the others are tried, and no secret is shown', async () => {
  await using fake = await startFakeS3();
  fake.misbehave = ({ method }) => (method === 'PUT' ? { status: 403, code: 'AccessDenied' } : undefined);
  const ran = await rigWith(fake).lockstep(['remote', 'check'], { env });
  assert.equal(ran.code, 1);
  assert.deepEqual(
    stepsOf(ran),
    ALL.flatMap((one) => (one === 'remove' ? [] : [`${one === 'put' ? 'fail' : 'ok'} ${one}`])),
  );
  assert.match(ran.stdout, /^fail {2}put +remote "cloud": .*AccessDenied.*\n {6}= cure: \S/m);
  assert.ok(!`${ran.stdout}${ran.stderr}`.includes(SECRET));
});

test('without the right to remove, which the docs do not ask for, a remote can be used; what stays there is named', async () => {
  await using fake = await startFakeS3();
  fake.misbehave = ({ method }) => (method === 'DELETE' ? { status: 403, code: 'AccessDenied' } : undefined);
  const ran = succeeded(await rigWith(fake).lockstep(['remote', 'check'], { env }));
  assert.deepEqual(
    stepsOf(ran),
    ALL.map((one) => `${one === 'remove' ? 'warn' : 'ok'} ${one}`),
  );
  const [left] = [...fake.objects.keys()];
  assert.equal(fake.objects.size, 1);
  assert.ok(
    ran.stdout.includes(
      `this account may not remove objects, which no push or pull needs; "${left?.replace('some/', '')}" stays there  (`,
    ),
    ran.stdout,
  );
  assert.match(ran.stdout, /\ncloud can be used: 6 steps went well, 1 with a warning, in \S+\.\n$/);
});

test('bytes that come back changed are found', async () => {
  await using fake = await startFakeS3();
  fake.alter = (_, bytes) => Buffer.concat([bytes.subarray(1), bytes.subarray(0, 1)]);
  const ran = await rigWith(fake).lockstep(['remote', 'check'], { env });
  assert.equal(ran.code, 1);
  assert.match(ran.stdout, /^fail {2}get +other bytes come back than were written/m);
  assert.equal(fake.objects.size, 0);
});

test('a clock that is an hour off is told, with by how much', async () => {
  await using fake = await startFakeS3();
  fake.clockMs = 3_600_000;
  const ran = await rigWith(fake).lockstep(['remote', 'check'], { env });
  assert.equal(ran.code, 1);
  assert.match(
    ran.stdout,
    /^fail {2}clock +this machine's clock is (59m 5\ds|1h 00m) behind the server's .*\n {6}= cure: set the clock/m,
  );
});

test('what concerns every step ends the check: an unknown key, a bucket that does not exist, a host that is gone', async () => {
  for (const [code, status] of [
    ['InvalidAccessKeyId', 403],
    ['NoSuchBucket', 404],
  ] as const) {
    await using fake = await startFakeS3();
    fake.misbehave = () => ({ status, code });
    const ran = await rigWith(fake).lockstep(['remote', 'check'], { env });
    assert.equal(ran.code, 1);
    assert.deepEqual(stepsOf(ran), ['ok open', 'fail put']);
  }
  const fake = await startFakeS3();
  const rig = rigWith(fake);
  await fake[Symbol.asyncDispose]();
  const ran = await rig.lockstep(['remote', 'check'], { env });
  assert.equal(ran.code, 1);
  assert.match(ran.stdout, /^fail {2}put +remote "cloud": the connection failed \(ECONNREFUSED\)/m);
});

test('an option or a variable that is wrong is the first step that fails', async () => {
  const rig = createRig({ ...FILES, 'remotes.yaml': fakeS3Yaml('http://127.0.0.1:9') });
  const unset = await rig.lockstep(['remote', 'check']);
  assert.equal(unset.code, 1);
  assert.deepEqual(stepsOf(unset), ['fail open']);
  assert.match(unset.stdout, /FAKE_SECRET[\s\S]*= cure: /);
  rig.write('remotes.yaml', 'remotes:\n  near: { url: store, region: x }\n');
  const option = await rig.lockstep(['remote', 'check']);
  assert.match(option.stdout, /^fail {2}open +remote "near": no option is called "region"/m);
});

test('a web server is told to be one that is only read, and one that answers every address is found out', async () => {
  let status = 404;
  const server = createServer((request, response) => {
    response.writeHead(status, { 'content-length': 5 });
    response.end(request.method === 'HEAD' ? undefined : 'hello');
  });
  await using listening = await listen(server);
  const rig = createRig({
    ...FILES,
    'remotes.yaml': `remotes:\n  web: { url: "${listening.url}/x" }\n`,
  });
  const ran = succeeded(await rig.lockstep(['remote', 'check']));
  assert.match(ran.stdout, /^ok {4}put +this remote can only be read/m);
  assert.match(ran.stdout, /^ok {4}get +objects may be read/m);
  assert.match(ran.stdout, /^ok {4}clock +this machine's clock agrees/m);
  status = 200;
  const all = await rig.lockstep(['remote', 'check']);
  assert.equal(all.code, 1);
  assert.match(all.stdout, /^fail {2}head +it says that it has "check\/[0-9a-f]{32}", which nobody wrote/m);
});

test('names that are unknown, or too many, are refused', async () => {
  const rig = createRig({ ...FILES, 'remotes.yaml': 'remotes:\n  near: { url: store }\n' });
  const unknown = await rig.lockstep(['remote', 'check', 'nera']);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /^error\[remote\.unknown\].*\n = hint: did you mean "near"\?/);
  assert.match((await rig.lockstep(['remote', 'check', 'a', 'b'])).stderr, /^error\[cli\.arguments\]/);
});
