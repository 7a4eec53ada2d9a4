import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import test from 'node:test';
import { createRig } from '../rig.ts';
import { objectWith } from './objects.ts';
import { cloneOf, createDemo, jsonOf, succeeded } from './projects.ts';

test('status names what would run with every reason, what would be restored, and what waits', async () => {
  const rig = await createDemo();
  rig.write('in.txt', 'four\n');
  rig.write('params.yaml', 'width: 2\n');
  rig.remove('count.txt');
  assert.equal(
    (await rig.lockstep(['status'])).stdout,
    'copy   would run      dep in.txt modified\n' +
      'split  waits          for copy\n' +
      'count  waits          for split\n' +
      '\n3 stages: 1 to run, 2 waiting for what runs before\n',
  );
  rig.write('in.txt', 'one\ntwo\nthree\n');
  rig.write('params.yaml', 'width: 1\n');
  assert.equal(
    (await rig.lockstep(['status'])).stdout,
    'count  would restore  out count.txt is missing\n\n3 stages: 1 to restore, 2 fresh\n',
  );
});

test('status --quiet prints nothing and answers with its exit code', async () => {
  const rig = await createDemo();
  const fresh = await rig.lockstep(['status', '--quiet']);
  assert.deepEqual([fresh.code, fresh.stdout, fresh.stderr], [0, '', '']);
  rig.write('in.txt', 'four\n');
  const stale = await rig.lockstep(['status', '-q']);
  assert.deepEqual([stale.code, stale.stdout, stale.stderr], [1, '', '']);
});

test('changed data is told before the stages, in --json as a value of its own', async () => {
  const rig = await createDemo({
    'pipeline.yaml':
      'name: a\ndata: [big.csv]\nstages:\n  size: { cmd: "wc -c < big.csv > size.txt", deps: [big.csv], outs: [size.txt] }\n',
    'big.csv': '1,2\n',
  });
  rig.write('big.csv', '1,2,3\n');
  const { stdout } = await rig.lockstep(['status']);
  assert.match(stdout, /^data big\.csv changed\nsize +would run +dep big\.csv modified\n/);
  assert.deepEqual(jsonOf(await rig.lockstep(['status', '--json']))[0], {
    data: 'big.csv',
    state: 'changed',
  });
});

test('data that was never recorded is called new, and in --json what it always was', async () => {
  const rig = createRig({ 'pipeline.yaml': 'data: [big.csv]\nstages: {}\n', 'big.csv': '1,2\n' });
  assert.match((await rig.lockstep(['status'])).stdout, /^data big\.csv is new\n/);
  assert.deepEqual(jsonOf(await rig.lockstep(['status', '--json'])), [{ data: 'big.csv', state: 'changed' }]);
});

test('stages that are fresh do not make all fresh where tracked data is not as recorded', async () => {
  const rig = await createDemo({
    'pipeline.yaml':
      'name: a\ndata: [one.csv, two.csv]\nstages:\n  size: { cmd: "wc -c < one.csv > size.txt", deps: [one.csv], outs: [size.txt] }\n',
    'one.csv': '1\n',
    'two.csv': '2\n',
  });
  rig.remove('two.csv');
  const { stdout } = await rig.lockstep(['status']);
  assert.equal(stdout, 'data two.csv is missing\n1 stage fresh, 1 tracked input not as recorded\n');
});

test('a clone is told what is stale, also where a stage reads a file of a tracked folder that has yet to be pulled', async () => {
  const rig = await createDemo({
    'pipeline.yaml':
      'data: [lists]\nstages:\n  pick: { cmd: "cat lists/a > a.txt", deps: [lists/a], outs: [a.txt] }\n',
    'lists/a': 'a\n',
    'lists/b': 'b\n',
  });
  succeeded(await rig.lockstep(['push']));
  const clone = cloneOf(rig, ['lists', 'a.txt']);
  const { stdout } = succeeded(await clone.lockstep(['status']));
  assert.match(stdout, /^data lists is missing\npick +would run +out a\.txt is missing\n/);
  const run = await clone.lockstep(['repro']);
  assert.match(run.stderr, /^error\[data\.missing\]/);
  succeeded(await clone.lockstep(['pull']));
  assert.match(succeeded(await clone.lockstep(['repro'])).stderr, /^Everything is fresh/);
  clone.remove('lists/a');
  assert.match((await clone.lockstep(['status'])).stderr, /^error\[dep\.missing\]/);
});

test('status --remote tells what is only here, only there and nowhere, moves nothing and ends with 0', async () => {
  const rig = await createDemo();
  const quiet = ['status', '--remote', '--quiet'];
  assert.equal(
    succeeded(await rig.lockstep(['status', '--remote'])).stdout,
    'copy.txt   only here   1 object   "lockstep push" sends it\n' +
      'parts      only here   4 objects  "lockstep push" sends it\n' +
      'count.txt  only here   1 object   "lockstep push" sends it\n' +
      '\norigin: 6 objects of 3 artifacts; 3 differences\n',
  );
  assert.equal((await rig.lockstep(quiet)).code, 1);
  succeeded(await rig.lockstep(['push']));
  assert.equal(
    succeeded(await rig.lockstep(['status', '--remote'])).stdout,
    'Cache and origin are equal: 6 objects of 3 artifacts.\n',
  );
  const ran = await rig.lockstep(quiet);
  assert.deepEqual([ran.code, ran.stdout, ran.stderr], [0, '', '']);

  rmSync(objectWith(rig.path('.lockstep'), 'two\n'));
  rmSync(objectWith(rig.path('remote'), 'three\n'));
  for (const folder of ['.lockstep', 'remote']) rmSync(objectWith(rig.path(folder), 'one\n'));
  assert.deepEqual(jsonOf(succeeded(await rig.lockstep(['status', '--remote', 'split', '--json']))), [
    {
      remote: 'origin',
      artifacts: 1,
      objects: 4,
      differences: [
        { path: 'parts', state: 'only-here', objects: 1 },
        { path: 'parts', state: 'only-there', objects: 1 },
        { path: 'parts', state: 'nowhere', objects: 1 },
      ],
    },
  ]);
});

test('what neither side has is put right by what verify says', async () => {
  const rig = await createDemo({
    'pipeline.yaml':
      'data: [given.txt]\nstages:\n  a: { cmd: cp given.txt a.txt, deps: [given.txt], outs: [a.txt] }\n',
    'given.txt': 'given',
  });
  rig.remove('.lockstep');
  assert.match(
    succeeded(await rig.lockstep(['status', '--remote'])).stdout,
    /^a\.txt {6}nowhere {5}1 object {3}"lockstep verify" says what helps$/m,
  );
  assert.match(
    (await rig.lockstep(['verify'])).stderr,
    /"a\.txt" in the workspace is right, and its bytes were put back/,
  );
  assert.match((await rig.lockstep(['status', '--remote'])).stdout, /^a\.txt {6}only here/m);
});

test('on a fresh clone everything is only there, and only the manifest of a folder is known', async () => {
  const rig = await createDemo();
  succeeded(await rig.lockstep(['push']));
  const clone = cloneOf(rig);
  const [row] = jsonOf(succeeded(await clone.lockstep(['status', '--remote', '--json'])));
  assert.equal(row?.['objects'], 3);
  assert.deepEqual(
    (row?.['differences'] as readonly { state: string }[] | undefined)?.map(({ state }) => state),
    ['only-there', 'only-there', 'only-there'],
  );
  assert.equal((await clone.lockstep(['status', '--remote', '-q'])).code, 0, 'nothing is to be pushed');
});

test('status -r names the remote; a name after --remote is answered with how it is meant', async () => {
  const rig = await createDemo({
    'remotes.yaml': 'default: origin\nremotes:\n  origin: { url: remote }\n  backup: { url: backup }\n',
  });
  succeeded(await rig.lockstep(['push', '-r', 'backup']));
  assert.match((await rig.lockstep(['status', '-r', 'backup'])).stdout, /^Cache and backup are equal/);
  const ran = await rig.lockstep(['status', '--remote', 'backup']);
  assert.equal(ran.code, 2);
  assert.equal(
    ran.stderr,
    'error[stage.unknown]: there is no stage "backup"\n = hint: a remote is named with -r: lockstep status -r backup\n',
  );
});

test('of many reasons of one kind the first four are told and the rest counted, and a wait is one line', async () => {
  const names = Array.from({ length: 9 }, (_, index) => `p${index}`);
  const rig = createRig({
    'pipeline.yaml':
      `name: a\nparams: [params.yaml]\nstages:\n  many: { cmd: touch a, params: [${names.join(', ')}], outs: [a] }\n` +
      names.map((name) => `  ${name}: { cmd: touch ${name}, deps: [a], outs: [${name}] }\n`).join('') +
      `  all: { cmd: touch z, deps: [${names.join(', ')}], outs: [z] }\n`,
    'params.yaml': names.map((name) => `${name}: 1\n`).join(''),
  });
  succeeded(await rig.lockstep(['repro', 'many']));
  rig.write('params.yaml', names.map((name) => `${name}: 2\n`).join(''));
  const { stdout } = await rig.lockstep(['status', 'all']);
  assert.ok(
    stdout.startsWith(
      'many  would run      param p0 changed: 1 → 2\n' +
        '                     param p1 changed: 1 → 2\n' +
        '                     param p2 changed: 1 → 2\n' +
        '                     param p3 changed: 1 → 2\n' +
        '                     and 5 more like these\n' +
        'p0    waits          for many\n',
    ),
    stdout,
  );
  assert.match(stdout, /^all +waits +for p0, p1, p2, p3, p4, p5 and 3 more$/m);
});

test('an out that git keeps is missing nowhere', async () => {
  const rig = createRig({
    'pipeline.yaml':
      'name: a\nstages:\n  both: { cmd: "echo 1 > a.json; echo 2 > b.txt", outs: [{ a.json: { cache: false } }, b.txt] }\n',
    'remotes.yaml': 'remotes: { origin: { url: remote } }\n',
  });
  succeeded(await rig.lockstep(['repro']));
  succeeded(await rig.lockstep(['push', 'b.txt']));
  rmSync(objectWith(rig.path('.lockstep'), '1\n'));
  assert.equal(
    (await rig.lockstep(['status', '--remote'])).stdout,
    'Cache and origin are equal: 2 objects of 2 artifacts.\n',
  );
});
