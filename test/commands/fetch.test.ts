import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { basename } from 'node:path';
import test from 'node:test';
import { fakeS3Yaml, startFakeS3 } from '../remotes/fake-s3.ts';
import { leftovers } from '../crash/state.ts';
import { outcomesOf } from '../execute/tools.ts';
import type { Rig } from '../rig.ts';
import { damage, filesBelow, objectWith, objectsOf } from './objects.ts';
import { MANY, cloneOf, createDemo, createPushed, eventOf, jsonOf, succeeded } from './projects.ts';

test('a pull on a fresh clone makes the workspace equal to the lock, and nothing runs after it', async () => {
  const rig = await createPushed();
  const clone = cloneOf(rig);
  const pulled = succeeded(await clone.lockstep(['pull']));
  assert.match(
    pulled.stderr,
    /^fetching 6 objects \((\d+ B)\) from origin\nfetched 6 objects \(\1\) from origin\n$/,
  );
  assert.equal(pulled.stdout, 'checked out copy.txt\nchecked out parts\nchecked out count.txt\n');
  assert.equal(clone.read('parts/2.txt'), 'two\n');
  assert.equal((await clone.lockstep(['repro'])).stderr, 'Everything is fresh: 3 stages, nothing to do.\n');
  const again = succeeded(await clone.lockstep(['pull']));
  assert.equal(again.stderr, 'nothing fetched from origin, 6 here already\n');
  assert.equal(again.stdout, 'The workspace is as pipeline.lock says.\n');
});

test('a fetch fills the cache and leaves the workspace alone; a dry one only counts', async () => {
  const rig = await createPushed();
  const clone = cloneOf(rig);
  const dry = succeeded(await clone.lockstep(['pull', '--dry-run', '--json']));
  assert.equal(eventOf(dry, 'transfer-finished')['objects'], 6);
  assert.equal(jsonOf(dry).length, 1, 'nothing is told to have begun');
  const told = succeeded(await clone.lockstep(['fetch', '--dry-run']));
  assert.match(told.stderr, /^would fetch 6 objects \(\d+ B\) from origin\n$/);
  assert.equal(existsSync(clone.path('.lockstep/files')) ? objectsOf(clone.path('.lockstep')).length : 0, 0);
  succeeded(await clone.lockstep(['fetch', 'split']));
  assert.equal(objectsOf(clone.path('.lockstep')).length, 4);
  assert.ok(!existsSync(clone.path('parts')));
  const rest = succeeded(await clone.lockstep(['fetch', '--json']));
  assert.equal(eventOf(rest, 'transfer-finished')['objects'], 2);
});

test('a missing object is named, the rest comes, exit 1', async () => {
  const rig = await createPushed();
  rmSync(objectWith(rig.path('remote'), 'two\n'));
  const clone = cloneOf(rig);
  const dry = await clone.lockstep(['pull', '--dry-run']);
  assert.equal(dry.code, 1);
  const ran = await clone.lockstep(['pull']);
  assert.equal(ran.code, 1);
  assert.equal(
    ran.stderr.slice(ran.stderr.indexOf('warning')),
    'warning[fetch.missing]: "parts" is in pipeline.lock, but the remote does not have all of it\n' +
      ' = hint: push it from a machine that has it, or make it here with "lockstep repro"\n',
    'told once',
  );
  assert.equal(ran.stdout, 'checked out copy.txt\nchecked out count.txt\n');
  assert.ok(!existsSync(clone.path('parts')));
});

test('nobody is told to make tracked data that a remote lacks', async () => {
  const rig = await createDemo({ 'pipeline.yaml': 'data: [given.txt]\nstages: {}\n', 'given.txt': 'given' });
  succeeded(await rig.lockstep(['push']));
  rmSync(objectWith(rig.path('remote'), 'given'));
  const ran = await cloneOf(rig, ['given.txt']).lockstep(['fetch']);
  assert.equal(ran.code, 1);
  assert.match(ran.stderr, /hint: push it from a machine that has it, or bring it back from a backup\n/);
});

test('an object with other, fewer, more or no bytes is refused and named, and never enters the cache', async () => {
  const rig = await createPushed();
  const object = objectWith(rig.path('remote'), 'two\n');
  for (const bytes of ['TWO\n', 'tw', 'two\ntwo\n', '']) {
    damage(object, bytes);
    const clone = cloneOf(rig);
    const ran = await clone.lockstep(['pull']);
    assert.equal(ran.code, 1);
    assert.match(
      ran.stderr,
      /error\[remote\.corrupt\]: the remote's object sha256:[0-9a-f]{64} has other bytes than its name says; it was refused \(it belongs to "parts"\)\n/,
    );
    const here = objectsOf(clone.path('.lockstep'));
    assert.equal(here.length, 4, 'copy.txt, two parts, count.txt');
    assert.ok(!here.some((file) => file.endsWith(object.slice(-60))), 'neither the object');
    assert.ok(!here.some((file) => file.endsWith('.dir')), 'nor the manifest that names it');
    assert.deepEqual(leftovers(clone.root), [], 'nor what waited for it');
    const event = eventOf(await clone.lockstep(['fetch', '--json']), 'transfer-finished');
    assert.deepEqual([event['missing'], event['failed']], [0, 1], 'the remote does not lack it');
    if (bytes !== '') continue;
    damage(object, 'two\n');
    succeeded(await clone.lockstep(['pull']));
    assert.equal(clone.read('parts/2.txt'), 'two\n');
  }
});

test('a damaged object of the right size is mended as the hint says, a manifest too', async () => {
  const rig = await createPushed();
  const manifest = objectsOf(rig.path('remote')).find((file) => file.endsWith('.dir')) ?? '';
  for (const object of [objectWith(rig.path('remote'), 'two\n'), manifest]) {
    damage(object, readFileSync(object, 'utf8').toUpperCase());
    const clone = cloneOf(rig);
    // Two ways to a manifest: all of a directory, and one file of it.
    for (const word of ['parts', 'parts/2.txt']) {
      const ran = await clone.lockstep(['pull', word]);
      assert.equal(ran.code, 1);
      assert.match(
        ran.stderr,
        /\[remote\.corrupt\].*\n = hint: delete it there, then run "lockstep push" on a machine that has it; "lockstep verify --remote NAME --read-data" finds all such objects\n/,
      );
    }
    const found = await clone.lockstep(['verify', '--remote', 'origin', '--read-data']);
    assert.ok(found.stderr.includes(object.slice(object.indexOf('files/'))), found.stderr);
    rmSync(object);
    succeeded(await rig.lockstep(['push']));
    succeeded(await clone.lockstep(['pull']));
    assert.equal(clone.read('parts/2.txt'), 'two\n');
  }
});

test('a remote whose disk fails is told as the remote, not as the disk of this machine', async () => {
  const rig = await createPushed();
  const object = objectWith(rig.path('remote'), 'two\n');
  rmSync(object);
  // A file whose first byte nobody can read: EIO.
  symlinkSync('/proc/self/mem', object);
  const told = `error[remote.unreachable]: remote "origin": "${object}" fails with EIO\n`;
  const clone = cloneOf(rig);
  for (const args of [['fetch'], ['verify', '--remote', 'origin', '--read-data']]) {
    const ran = await clone.lockstep(args);
    assert.equal(ran.code, 1);
    assert.ok(ran.stderr.includes(told), ran.stderr);
  }
  for (const [args, one] of [
    [['pull', 'parts/1.txt'], objectsOf(rig.path('remote')).find((file) => file.endsWith('.dir'))],
    [['fetch', '--run-cache'], filesBelow(rig.path('remote/runs'))[0]],
  ] as const) {
    rmSync(one ?? '');
    symlinkSync('/proc/self/mem', one ?? '');
    const ran = await cloneOf(rig).lockstep(args);
    assert.equal(ran.code, 1);
    assert.ok(ran.stderr.includes(`remote "origin": "${one}" fails with EIO\n`), ran.stderr);
  }
});

/** A clone whose lock says that `parts` is what a manifest says, which lies on the remote; and the manifest's key there. */
function cloneWith(rig: Rig, manifest: string): { readonly clone: Rig; readonly key: string } {
  const lock = rig.read('pipeline.lock');
  const [before = ''] = /[0-9a-f]{64}\.dir/.exec(lock) ?? [];
  assert.notEqual(before, '');
  const digest = createHash('sha256').update(manifest).digest('hex');
  const key = `files/sha256/${digest.slice(0, 2)}/${digest.slice(2)}.dir`;
  const clone = cloneOf(rig);
  clone.write('pipeline.lock', lock.replaceAll(before, `${digest}.dir`));
  rig.write(`remote/${key}`, manifest);
  return { clone, key };
}

test('one file comes of a folder of more files than a call takes arguments', async () => {
  const rig = await createPushed();
  const digest = createHash('sha256').update('one\n').digest('hex');
  const files = Array.from({ length: 130_000 }, (_, i) => String(i).padStart(6, '0'));
  const entries = files.map((name) => `{"sha256": "${digest}", "relpath": "${name}"}`);
  const { clone } = cloneWith(rig, `[${entries.join(', ')}]`);
  succeeded(await clone.lockstep(['pull', 'parts/000007']));
  assert.deepEqual(readdirSync(clone.path('parts')), ['000007']);
});

test('a manifest with a path that leaves its folder or goes into .git is refused, and nothing is written', async () => {
  const rig = await createPushed();
  for (const relpath of [
    '../evil.txt',
    '/tmp/evil.txt',
    '.git/hooks/post-checkout',
    String.raw`..\evil.txt`,
  ]) {
    const manifest = `[{"sha256": "${'0'.repeat(64)}", "relpath": ${JSON.stringify(relpath)}}]`;
    const { clone, key } = cloneWith(rig, manifest);
    const ran = await clone.lockstep(['pull', 'split']);
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, /^error\[manifest\.invalid\].*path/m);
    assert.ok(
      !existsSync(clone.path('evil.txt')) && !existsSync('/tmp/evil.txt') && !existsSync(clone.path('.git')),
    );
    assert.ok(!existsSync(clone.path(`.lockstep/${key}`)), 'it does not enter the cache either');
  }
});

test('a damaged manifest in the cache is fetched again', async () => {
  const rig = await createPushed();
  const manifest = objectsOf(rig.path('.lockstep')).find((file) => file.endsWith('.dir')) ?? '';
  damage(manifest, '[]');
  rig.remove('parts');
  succeeded(await rig.lockstep(['pull']));
  assert.equal(rig.read('parts/3.txt'), 'three\n');
});

test('a fetch that is interrupted keeps what has come whole, and the next one brings the rest', async () => {
  const rig = await createPushed({ 'pipeline.yaml': MANY });
  const clone = cloneOf(rig, ['many']);
  const killed = clone.start(['pull', '--json']);
  await killed.seen('"transfer-progressed"');
  killed.process.kill('SIGKILL');
  assert.equal((await killed.ended).signal, 'SIGKILL');
  const running = clone.start(['pull', '--json']);
  await running.seen('"transfer-progressed"');
  running.process.kill('SIGINT');
  assert.equal((await running.ended).code, 130);
  const before = objectsOf(clone.path('.lockstep')).filter((file) => !basename(file).startsWith('.')).length;
  assert.ok(before > 0 && before < 300, `${before} of 300`);
  assert.ok(!objectsOf(clone.path('.lockstep')).some((file) => file.endsWith('.dir')));
  assert.ok(!existsSync(clone.path('many')));
  const rest = succeeded(await clone.lockstep(['pull', '--json']));
  assert.equal(eventOf(rest, 'transfer-finished')['objects'], 301 - before);
  assert.equal(readdirSync(clone.path('many')).length, 300);
  assert.ok(
    !objectsOf(clone.path('.lockstep')).some((file) => file.includes('.tmp')),
    'no temp file is left',
  );
});

test('a pulled run cache lets repro restore what only the other machine ran', async () => {
  const rig = await createPushed();
  rig.write('params.yaml', 'width: 2\n');
  rig.write('in.txt', 'four\n');
  succeeded(await rig.lockstep(['repro']));
  succeeded(await rig.lockstep(['push']));
  const clone = cloneOf(rig);
  succeeded(await clone.lockstep(['pull', '--run-cache']));
  clone.write('params.yaml', 'width: 1\n');
  clone.write('in.txt', 'one\ntwo\nthree\n');
  const ran = succeeded(await clone.lockstep(['repro', '--json']));
  assert.deepEqual({ ...outcomesOf(ran) }, { copy: 'restored', split: 'restored', count: 'restored' });
  assert.equal(clone.read('count.txt'), '3\n');
});

test('a run-cache entry whose objects are not all there, or that was edited, is not taken', async () => {
  const rig = await createPushed();
  rmSync(objectWith(rig.path('remote'), 'one\ntwo\nthree\n'));
  const entries = filesBelow(rig.path('remote/runs'));
  const count = entries.find((file) => readFileSync(file, 'utf8').includes('"path":"count.txt"')) ?? '';
  damage(count, readFileSync(count, 'utf8').replace('ls parts', 'rm parts'));
  const clone = cloneOf(rig);
  clone.remove('pipeline.lock');
  succeeded(await clone.lockstep(['fetch', '--run-cache']));
  assert.equal(filesBelow(clone.path('.lockstep/runs')).length, 1, 'only that of split');
});

test('repro --pull takes results instead of running, says so, and the history has it', async () => {
  const rig = await createPushed();
  const clone = cloneOf(rig);
  clone.remove('pipeline.lock');
  const ran = succeeded(await clone.lockstep(['repro', '--pull']));
  assert.match(ran.stderr, /^took the results of 3 stages from origin: copy, split, count$/m);
  assert.match(ran.stderr, /^3 stages: 3 restored in /m);
  assert.equal(clone.read('pipeline.lock'), rig.read('pipeline.lock'));
  const [row] = jsonOf(await clone.lockstep(['log', '--json']));
  const run = await clone.lockstep(['log', String(row?.['run']), '--json']);
  assert.deepEqual(eventOf(run, 'results-pulled')['stages'], ['copy', 'split', 'count']);
});

test('repro --pull runs what the remote does not know, also what the lock names but nobody has', async () => {
  const rig = await createPushed();
  const clone = cloneOf(rig);
  clone.write('params.yaml', 'width: 9\n');
  rmSync(objectWith(rig.path('remote'), 'one\ntwo\nthree\n'));
  const ran = succeeded(await clone.lockstep(['repro', '--pull', '--json']));
  assert.deepEqual({ ...outcomesOf(ran) }, { copy: 'ran', split: 'ran', count: 'ran' });
});

test('repro --pull brings a tracked input that is neither here nor in the cache', async () => {
  const rig = await createDemo({
    'pipeline.yaml':
      'name: a\ndata: [big.csv]\nstages:\n  size: { cmd: "wc -c < big.csv > size.txt", deps: [big.csv], outs: [size.txt] }\n',
    'big.csv': '1,2\n',
  });
  succeeded(await rig.lockstep(['push']));
  const clone = cloneOf(rig, ['big.csv', 'size.txt']);
  assert.equal((await clone.lockstep(['repro'])).code, 2);
  succeeded(await clone.lockstep(['repro', '--pull']));
  assert.equal(clone.read('big.csv'), '1,2\n');
});

test('repro --pull goes on without a remote that cannot be had, and says why', async () => {
  const rig = await createDemo({ 'remotes.yaml': 'remotes:\n  gone: { url: no/such/share }\n' });
  rig.write('in.txt', 'new\n');
  const ran = succeeded(await rig.lockstep(['repro', '--pull']));
  assert.match(
    ran.stderr,
    /warning\[remote\.unreachable\]: nothing more is pulled: remote "gone": there is no folder/,
  );
  assert.equal(rig.read('count.txt'), '1\n');
});

test('a fetch of many directories lists what the remote has once', async () => {
  await using fake = await startFakeS3();
  const env = { FAKE_SECRET: 'secret' };
  const rig = await createDemo({
    'pipeline.yaml':
      'name: a\nstages:\n  make:\n    foreach: [1, 2, 3, 4, 5, 6, 7, 8, 9]\n    do: { cmd: "for i in a b; do echo ${item} $i > out${item}/$i; done", outs: ["out${item}/"] }\n',
    'remotes.yaml': fakeS3Yaml(fake.url),
  });
  succeeded(await rig.lockstep(['push'], { env }));
  const clone = cloneOf(
    rig,
    Array.from({ length: 9 }, (_, index) => `out${index + 1}`),
  );
  const asked: string[] = [];
  fake.misbehave = ({ method, key }) => void asked.push(`${method} ${key === '' ? 'list' : 'object'}`);
  assert.equal(
    eventOf(succeeded(await clone.lockstep(['fetch', '--json'], { env })), 'transfer-finished')['objects'],
    27,
  );
  assert.deepEqual(
    ['HEAD object', 'GET list', 'GET object'].map((kind) => asked.filter((one) => one === kind).length),
    [0, 1, 27],
  );
});
