import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import { parseLock } from '../../src/record/lockfile.ts';
import { createRig } from '../rig.ts';
import type { Ran, Rig } from '../rig.ts';

const PIPELINE = `name: demo
stages:
  make:
    cmd: mkdir -p out/d; printf same > out/a; printf same > out/d/b; printf '' > out/empty; printf '' > none.txt; printf other > one.txt; printf '#!/bin/sh\\n' > run.sh; chmod 755 run.sh; printf {} > small.json
    params: [by]
    outs: [out/, none.txt, one.txt, run.sh, { small.json: { cache: false } }]
`;

async function made(): Promise<Rig> {
  const rig = createRig({ 'pipeline.yaml': PIPELINE, 'params.yaml': 'by: 1\n' });
  const ran = await rig.lockstep(['repro']);
  assert.equal(ran.code, 0, ran.stderr);
  return rig;
}

const OBJECTS = {
  // printf same | sha256sum, and so on.
  same: '0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5',
  other: 'd9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa',
  empty: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
};

const objectAt = (rig: Rig, hex: string): string =>
  rig.path(`.lockstep/files/sha256/${hex.slice(0, 2)}/${hex.slice(2)}`);

function objects(rig: Rig): readonly string[] {
  return readdirSync(rig.path('.lockstep/files/sha256'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath.slice(-2)}${entry.name}`);
}

const manifestOf = (rig: Rig): string =>
  objectAt(rig, objects(rig).find((name) => name.endsWith('.dir')) ?? '');

const outcome = (ran: Ran): string | undefined =>
  /"outcome":"(ran|restored|fresh|failed)","reasons"/.exec(ran.stdout)?.[1];
const repro = (rig: Rig): Promise<Ran> => rig.lockstep(['repro', '--json']);
const ino = (path: string): number => lstatSync(path).ino;
const mode = (path: string): string => (lstatSync(path).mode & 0o777).toString(8);

/** Other bytes under an object's name, as a failing disk or root would leave them; its times and mode stay. */
function corrupt(path: string, { keepTimes }: { readonly keepTimes: boolean }): void {
  const { atime, mtime, size } = lstatSync(path);
  chmodSync(path, 0o644);
  writeFileSync(path, 'X'.repeat(size));
  if (keepTimes) utimesSync(path, atime, mtime);
  chmodSync(path, 0o444);
}

test('every object is there once, read-only, and files of stages share its inode', async () => {
  const rig = await made();
  for (const object of objects(rig)) assert.equal(mode(objectAt(rig, object)), '444');
  for (const hex of Object.values(OBJECTS)) assert.ok(existsSync(objectAt(rig, hex)), hex);
  assert.equal(objects(rig).length, 6, 'three contents, the script, the metric and one manifest');
  const lock = await parseLock(rig.read('pipeline.lock'));
  assert.deepEqual(
    lock.stages.get('make')?.outs.map(({ path }) => path),
    ['none.txt', 'one.txt', 'out', 'run.sh', 'small.json'],
    'sorted, in whichever order they are declared',
  );
  const shared = ino(objectAt(rig, OBJECTS.same));
  // On a file system with reflinks each has its own inode, and its own mode.
  if (ino(rig.path('out/a')) === shared) {
    assert.equal(ino(rig.path('out/d/b')), shared);
    assert.equal(ino(rig.path('out/empty')), ino(rig.path('none.txt')));
    assert.equal(mode(rig.path('one.txt')), '444');
  }
});

test('a file for git and an executable are files of their own that can be written to', async () => {
  const rig = await made();
  assert.equal(mode(rig.path('small.json')), '644');
  assert.equal(mode(rig.path('run.sh')), '755');
  assert.equal(lstatSync(rig.path('small.json')).nlink, 1);
  assert.equal(lstatSync(rig.path('run.sh')).nlink, 1);
});

test('what is removed comes back with its bytes, its kind and its mode', async () => {
  const rig = await made();
  for (const path of ['out', 'none.txt', 'one.txt', 'run.sh', 'small.json']) rig.remove(path);
  assert.equal(outcome(await repro(rig)), 'restored');
  assert.deepEqual(
    ['out/a', 'out/d/b', 'out/empty', 'none.txt', 'one.txt', 'small.json'].map((path) => rig.read(path)),
    ['same', 'same', '', '', 'other', '{}'],
  );
  assert.equal(mode(rig.path('run.sh')), '755');
  assert.equal(mode(rig.path('small.json')), '644');
});

test('a chmod of an out, which is one inode with its object, is undone by a checkout and goes no further', async () => {
  const rig = createRig({
    'pipeline.yaml':
      'stages:\n  one: { cmd: echo x > a, outs: [a] }\n  two: { cmd: echo x > b, deps: [in], outs: [b] }\n',
    in: '1',
  });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  chmodSync(rig.path('a'), 0o755);
  const back = await rig.lockstep(['checkout']);
  assert.equal(back.code, 0, back.stderr);
  assert.equal(mode(rig.path('a')), '444');
  assert.equal((await rig.lockstep(['repro'])).stderr, 'Everything is fresh: 2 stages, nothing to do.\n');
  // By now the mode is what the memo knows of the object.
  chmodSync(rig.path('a'), 0o666);
  rig.write('in', '2');
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  assert.deepEqual([mode(rig.path('a')), mode(rig.path('b'))], ['444', '444']);
});

test('an out that its user edited is kept in the cache, named, and replaced', async () => {
  const rig = await made();
  rig.remove('one.txt');
  rig.write('one.txt', 'my own work\n');
  const ran = await repro(rig);
  assert.equal(outcome(ran), 'restored');
  assert.equal(rig.read('one.txt'), 'other');
  const kept = /find it at ([^",]*)[",]/.exec(ran.stdout)?.[1];
  assert.match(
    ran.stdout,
    /"one\.txt\\" had content that was recorded nowhere; it is kept in the cache as sha256:[0-9a-f]{8}/,
  );
  assert.equal(readFileSync(kept ?? '', 'utf8'), 'my own work\n');
});

test('what a clone has from git, as the lock names it, is kept without a word when it is replaced', async () => {
  const rig = createRig({
    'pipeline.yaml':
      'name: demo\nparams: [params.yaml]\nstages:\n  copy: { cmd: "printf ${word} > word.txt", outs: [word.txt: { cache: false }] }\n',
    'params.yaml': 'word: other\n',
  });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.remove('.lockstep');
  rig.write('params.yaml', 'word: same\n');
  const ran = await rig.lockstep(['repro']);
  assert.equal(ran.code, 0, ran.stderr);
  assert.doesNotMatch(ran.stderr, /warning/);
  assert.equal(readFileSync(objectAt(rig, OBJECTS.other), 'utf8'), 'other');
});

test('an edit of a file that shares its inode with the object is found, and the object made again', async (t) => {
  const rig = await made();
  if (ino(rig.path('one.txt')) !== ino(objectAt(rig, OBJECTS.other))) return t.skip('no hardlinks here');
  corrupt(rig.path('one.txt'), { keepTimes: false });
  const status = await rig.lockstep(['status']);
  assert.match(status.stdout, /out one\.txt is not as recorded/);
  const ran = await repro(rig);
  assert.equal(ran.code, 0, ran.stdout);
  assert.equal(outcome(ran), 'ran');
  assert.match(ran.stdout, /"code":"object\.corrupt"/);
  assert.equal(rig.read('one.txt'), 'other');
  assert.equal(readFileSync(objectAt(rig, OBJECTS.other), 'utf8'), 'other');
});

for (const [what, name] of [
  ['a file', OBJECTS.other],
  ['a file of a folder', OBJECTS.same],
] as const) {
  test(`the object of ${what} that has rotted is found when it is needed, told, and made again`, async () => {
    const rig = await made();
    for (const path of ['out', 'one.txt', 'none.txt']) rig.remove(path);
    corrupt(objectAt(rig, name), { keepTimes: false });
    const ran = await repro(rig);
    assert.equal(ran.code, 0, ran.stdout);
    assert.equal(outcome(ran), 'ran');
    assert.match(
      ran.stdout,
      new RegExp(`"code":"object\\.corrupt","message":"the cache object sha256:${name} `),
    );
    assert.equal(rig.read('one.txt'), 'other');
    assert.equal(rig.read('out/d/b'), 'same');
    assert.equal((await rig.lockstep(['status', '--quiet'])).code, 0);
  });
}

test('a manifest that has rotted is found, told, and made again', async () => {
  const rig = await made();
  corrupt(manifestOf(rig), { keepTimes: true });
  rig.remove('out');
  const ran = await repro(rig);
  assert.equal(ran.code, 0, ran.stdout);
  assert.equal(outcome(ran), 'ran');
  assert.match(ran.stdout, /"code":"object\.corrupt"/);
  assert.equal(rig.read('out/d/b'), 'same');
});

test('a checkout does not take the only good copy away: an object that has rotted is no second one', async () => {
  const rig = await made();
  const first = rig.read('pipeline.lock');
  rig.write('pipeline.yaml', PIPELINE.replace('printf other', 'printf else'));
  rig.write('params.yaml', 'by: 2\n');
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  const second = rig.read('pipeline.lock');
  rig.write('pipeline.lock', first);
  assert.equal((await rig.lockstep(['checkout'])).code, 0);
  // The file of the workspace is one of its own, and good.
  rig.remove('one.txt');
  rig.write('one.txt', 'other');
  assert.equal((await rig.lockstep(['status'])).code, 0);
  corrupt(objectAt(rig, OBJECTS.other), { keepTimes: false });
  rig.write('pipeline.lock', second);
  const ran = await rig.lockstep(['checkout']);
  assert.equal(ran.code, 0, ran.stderr);
  assert.match(ran.stderr, /^warning\[object\.corrupt\]/);
  assert.doesNotMatch(ran.stderr, /out\.kept/);
  assert.equal(rig.read('one.txt'), 'else');
  assert.equal(readFileSync(objectAt(rig, OBJECTS.other), 'utf8'), 'other');
});

test('a manifest that has rotted is made again by a run that makes the same', async () => {
  const rig = await made();
  const manifest = manifestOf(rig);
  const text = readFileSync(manifest, 'utf8');
  corrupt(manifest, { keepTimes: false });
  rig.remove('out');
  const ran = await rig.lockstep(['repro', '--force']);
  assert.equal(ran.code, 0, ran.stderr);
  assert.match(ran.stderr, /warning\[object\.corrupt\]/);
  assert.equal(readFileSync(manifest, 'utf8'), text);
});

test("an out that has another name is nobody else's business: that name stays writable and apart from the cache", async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  link: { cmd: ln in.txt out.txt, deps: [in.txt], outs: [out.txt] }\n',
    'in.txt': 'other',
  });
  const ran = await rig.lockstep(['repro']);
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(mode(rig.path('in.txt')), '644');
  assert.notEqual(ino(rig.path('in.txt')), ino(objectAt(rig, OBJECTS.other)));
  assert.match((await rig.lockstep(['status'])).stdout, /^Everything is fresh/);
  assert.equal((await rig.lockstep(['verify', '--read-data'])).code, 0);
});

test('an object that was deleted costs a run when it is needed, and nothing before', async () => {
  const rig = await made();
  chmodSync(objectAt(rig, OBJECTS.other), 0o644);
  rig.remove(`.lockstep/files/sha256/${OBJECTS.other.slice(0, 2)}`);
  assert.equal((await rig.lockstep(['status', '--quiet'])).code, 0);
  rig.remove('one.txt');
  assert.equal(outcome(await repro(rig)), 'ran');
  assert.ok(existsSync(objectAt(rig, OBJECTS.other)));
});

test('what is made again otherwise reruns what reads it', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  now: { cmd: "cat source > now.txt", outs: [now.txt] }
  reads: { cmd: "cat now.txt > reads.txt", deps: [now.txt], outs: [reads.txt] }
`,
    source: 'first',
  });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  const [object = ''] = objects(rig);
  rig.remove('now.txt');
  corrupt(objectAt(rig, object), { keepTimes: false });
  rig.remove('reads.txt');
  rig.write('reads.txt', 'first');
  rig.write('source', 'second');
  const ran = await rig.lockstep(['repro', '--json']);
  assert.equal(ran.code, 0, ran.stdout);
  assert.equal(rig.read('now.txt'), 'second');
  assert.equal(rig.read('reads.txt'), 'second');
});

test('a forged manifest in the cache is refused and writes nothing outside the out', async () => {
  const rig = await made();
  const path = manifestOf(rig);
  rig.remove('out');
  chmodSync(path, 0o644);
  writeFileSync(path, `[{"sha256": "${OBJECTS.other}", "relpath": "../../evil.txt"}]`);
  chmodSync(path, 0o444);
  const ran = await repro(rig);
  assert.equal(ran.code, 0, ran.stdout);
  assert.equal(existsSync(rig.path('evil.txt')), false);
  assert.equal(rig.read('out/a'), 'same');
});

test('a lock that was edited to name a file of ours as an out overwrites nothing', async () => {
  const rig = await made();
  rig.write('src/main.ts', 'mine');
  rig.write(
    'pipeline.lock',
    rig
      .read('pipeline.lock')
      .replace('      - path: one.txt\n        hash', '      - path: src/main.ts\n        hash'),
  );
  const ran = await repro(rig);
  assert.equal(ran.code, 0, ran.stdout);
  assert.equal(outcome(ran), 'restored', 'by the run cache, which names its own outs');
  assert.equal(rig.read('src/main.ts'), 'mine');
  assert.doesNotMatch(rig.read('pipeline.lock'), /main\.ts/);
});
