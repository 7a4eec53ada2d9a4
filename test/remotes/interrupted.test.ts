import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { objectsOf } from '../commands/objects.ts';
import { cloneOf, createDemo, eventOf, succeeded } from '../commands/projects.ts';
import type { Rig } from '../rig.ts';
import { fakeS3Yaml, startFakeS3 } from './fake-s3.ts';
import { KEY_FILES, yamlOf } from './kinds.ts';
import { listenFor } from './listen.ts';

const env = { FAKE_SECRET: 'x' };
const never = new Promise<void>(() => undefined);

/** Twelve files of different content, the last one large. */
const MANY = `name: many
stages:
  many: { cmd: "for i in 1 2 3 4 5 6 7 8 9 10 11; do echo $i > many/$i; done; head -c 3000000 /dev/zero > many/large", outs: [many/] }
`;

const createMany = (remotes: string): Promise<Rig> =>
  createDemo({ 'pipeline.yaml': MANY, 'remotes.yaml': remotes });

test('a push whose network is lost fails, leaves no manifest without its files, and the next one sends only the rest', async () => {
  await using fake = await startFakeS3();
  const rig = await createMany(`${fakeS3Yaml(fake.url)}    jobs: 2\n`);
  fake.misbehave = ({ method }) => (method === 'PUT' && fake.objects.size >= 5 ? 'cut' : undefined);
  const lost = await rig.lockstep(['push'], { env });
  assert.equal(lost.code, 1);
  assert.match(lost.stderr, /^pushed [5-9] objects \(.+\) to cloud, then it broke off$/m);
  assert.match(lost.stderr, /^error\[remote\.unreachable\]: remote "cloud": the connection failed/m);
  const before = fake.objects.size;
  assert.ok(before >= 5 && before < 12, String(before));
  assert.ok(![...fake.objects.keys()].some((key) => key.endsWith('.dir')));

  fake.misbehave = () => undefined;
  const next = succeeded(await rig.lockstep(['push', '--json'], { env }));
  assert.equal(eventOf(next, 'transfer-finished')['objects'], 13 - before);
  assert.equal(eventOf(next, 'transfer-finished')['present'], before);
  const clone = cloneOf(rig, ['many']);
  succeeded(await clone.lockstep(['pull'], { env }));
  assert.deepEqual(clone.bytes('many/large'), rig.bytes('many/large'));
  assert.equal((await clone.lockstep(['repro'])).stderr, 'Everything is fresh: 1 stage, nothing to do.\n');
});

test('Ctrl-C while an upload waits for its answer ends the push at once, and the next one sends the rest', async () => {
  await using fake = await startFakeS3();
  const rig = await createMany(`${fakeS3Yaml(fake.url)}    jobs: 1\n`);
  fake.hold = () => (fake.objects.size >= 3 ? never : Promise.resolve());
  const running = rig.start(['push', '--json'], { env });
  await running.seen('"objects":3,');
  running.process.kill('SIGINT');
  const ended = await running.ended;
  assert.equal(ended.code, 130);
  assert.equal(eventOf(ended, 'transfer-broken-off')['objects'], 3);
  fake.hold = () => Promise.resolve();
  const sent = fake.objects.size;
  assert.ok(sent >= 3 && sent < 12);
  const next = succeeded(await rig.lockstep(['push', '--json'], { env }));
  assert.equal(eventOf(next, 'transfer-finished')['objects'], 13 - sent);
  assert.equal(fake.objects.size, 13);
});

/** How a web server answers for the one large object: whole, cut in the middle, or half and then silent. */
type Manner = 'whole' | 'cut' | 'half';

/** Gives out a folder remote over http, and notes which objects were asked for. */
async function giveOut(
  t: TestContext,
  folder: string,
): Promise<{ readonly url: string; readonly asked: string[]; manner: Manner }> {
  const asked: string[] = [];
  const given = { url: '', asked, manner: 'whole' as Manner };
  const answer = (response: ServerResponse, file: string, method: string): void => {
    if (!existsSync(file)) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-length': statSync(file).size });
    if (method === 'HEAD') return void response.end();
    asked.push(basename(file));
    const bytes = readFileSync(file);
    if (given.manner === 'whole' || bytes.length < 1_000_000) return void response.end(bytes);
    response.write(bytes.subarray(0, bytes.length / 2), () => {
      if (given.manner === 'cut') response.destroy();
    });
  };
  const server = createServer(({ url = '', method = '' }, response) =>
    answer(response, join(folder, url), method),
  );
  given.url = (await listenFor(t, server)).url;
  return given;
}

for (const manner of ['cut', 'half'] as const) {
  const how = manner === 'cut' ? 'whose network is lost' : 'that Ctrl-C ends';
  test(`a pull ${how} keeps what came whole and nothing else, and the next one brings the rest`, async (t) => {
    const rig = await createMany('remotes:\n  origin: { url: remote }\n');
    succeeded(await rig.lockstep(['push']));
    const web = await giveOut(t, rig.path('remote'));
    const clone = cloneOf(rig, ['many']);
    clone.write('remotes.yaml', `remotes:\n  web: { url: "${web.url}", jobs: 2 }\n`);
    web.manner = manner;
    const running = clone.start(['pull', '--json']);
    if (manner === 'half') {
      // A step of the large object has come, and all the small ones.
      await running.seen('"objects":12,');
      running.process.kill('SIGINT');
    }
    const ran = await running.ended;
    assert.equal(ran.code, manner === 'half' ? 130 : 1, ran.stdout);
    if (manner === 'cut') assert.match(ran.stdout, /"code":"remote\.unreachable"/);
    assert.ok(!existsSync(clone.path('many')));
    const here = objectsOf(clone.path('.lockstep')).map((file) => basename(file));
    assert.ok(here.length > 0 && here.length < 12, 'only files that came whole, no manifest, no temp file');
    assert.ok(
      here.every((name) => /^[0-9a-f]{62}$/.test(name)),
      here.join(' '),
    );

    web.manner = 'whole';
    web.asked.length = 0;
    const next = succeeded(await clone.lockstep(['pull', '--json']));
    assert.equal(eventOf(next, 'transfer-finished')['objects'], 13 - here.length);
    assert.deepEqual(
      web.asked.filter((name) => here.includes(name)),
      [],
      'what had come is not asked for again',
    );
    assert.deepEqual(clone.bytes('many/large'), rig.bytes('many/large'));
    assert.equal(clone.read('many/7'), '7\n');
  });
}

for (const [kind, asked] of [
  ['gcs', '/storage/v1/'],
  ['gdrive', '/token'],
] as const) {
  test(`${kind}: Ctrl-C ends a command though a library waits for an answer that never comes`, async (t) => {
    const rig = await createDemo({ ...KEY_FILES, 'remotes.yaml': 'remotes: {}\n' });
    const urls: string[] = [];
    const server = createServer(({ url = '' }) => {
      urls.push(url);
      running.process.kill('SIGINT');
    });
    const { url: origin } = await listenFor(t, server);
    rig.write('remotes.yaml', yamlOf(kind, origin));
    const running = rig.start(['status', '--remote']);
    assert.equal((await running.ended).code, 130);
    assert.ok(urls[0]?.startsWith(asked), urls.join(' '));
  });
}
