import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import test from 'node:test';
import { leftovers } from '../crash/state.ts';
import { createRig } from '../rig.ts';
import { createDemo, succeeded } from './projects.ts';

test('a commit records what is in the workspace; nothing has run, and nothing runs after it', async () => {
  const rig = await createDemo();
  rig.write('pipeline.yaml', rig.read('pipeline.yaml').replace('cat in.txt', 'cat  in.txt'));
  rig.remove('count.txt');
  rig.write('count.txt', 'three\n');
  assert.equal((await rig.lockstep(['status', '--quiet'])).code, 1);
  const ran = succeeded(await rig.lockstep(['commit']));
  assert.equal(ran.stdout, 'recorded copy\nrecorded count\n');
  assert.equal((await rig.lockstep(['repro'])).stderr, 'Everything is fresh: 3 stages, nothing to do.\n');
  assert.equal(rig.read('count.txt'), 'three\n');
  const again = succeeded(await rig.lockstep(['commit']));
  assert.equal(again.stdout, 'pipeline.lock already says what is here.\n');
  rig.remove('count.txt');
  succeeded(await rig.lockstep(['checkout']));
  assert.equal(rig.read('count.txt'), 'three\n', 'it is in the cache too');
});

test('a commit of one stage leaves the others as they are recorded', async () => {
  const rig = await createDemo();
  for (const name of ['copy.txt', 'count.txt']) {
    rig.remove(name);
    rig.write(name, 'edited\n');
  }
  succeeded(await rig.lockstep(['commit', 'count', '--single']));
  const { stdout } = await rig.lockstep(['status', 'copy']);
  assert.match(stdout, /^copy +would restore +out copy\.txt is not as recorded$/m);
});

test('an out that is not there cannot be committed', async () => {
  const rig = await createDemo();
  rig.remove('copy.txt');
  const lock = rig.read('pipeline.lock');
  rig.write('in.txt', 'new\n');
  const ran = await rig.lockstep(['commit', 'copy']);
  assert.equal(ran.code, 1);
  assert.match(
    ran.stderr,
    /^error\[out\.missing\]: "copy\.txt" of stage "copy" is not here to be recorded$/m,
  );
  assert.equal(rig.read('pipeline.lock'), lock);
});

test('a stage whose out is not there keeps no other from being recorded, and what was recorded is told', async () => {
  const stages = ['a', 'b', 'c'].map((name) => `  ${name}: { cmd: echo 1 > ${name}, outs: [${name}] }\n`);
  const rig = createRig({ 'pipeline.yaml': `stages:\n${stages.join('')}`, a: '2\n', c: '2\n' });
  const ran = await rig.lockstep(['commit']);
  assert.equal(ran.code, 1);
  assert.equal(ran.stdout, 'recorded a\nrecorded c\n');
  assert.match(ran.stderr, /^error\[out\.missing\]: "b" of stage "b" is not here to be recorded$/m);
});

test('what a stage reads and the outs that were recorded lack is told by the commit that recorded them', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  make: { cmd: mkdir -p d; touch d/a d/b, outs: [d/] }
  read: { cmd: cat d/b > read, deps: [d/b], outs: [read] }
`,
  });
  succeeded(await rig.lockstep(['repro']));
  rig.remove('d/b');
  const ran = await rig.lockstep(['commit']);
  assert.deepEqual([ran.code, ran.stdout], [2, 'recorded make\n']);
  assert.match(ran.stderr, /^error\[dep\.missing\]: stage "read" reads "d\/b", which is not in the "d" /m);
  assert.equal((await rig.lockstep(['commit'])).code, 2);
});

test('a commit ends as the first problem says that it tells', async () => {
  const lost = '{ cmd: touch lost, outs: [lost] }';
  const make = '{ cmd: mkdir -p d; touch d/a d/b, outs: [d/] }';
  const read = '{ cmd: cat d/b > read, deps: [d/b], outs: [read] }';
  for (const [stages, exit] of [
    [{ a: lost, b: make, c: read }, 1],
    [{ a: make, b: read, c: lost }, 2],
  ] as const) {
    const lines = Object.entries(stages).map(([name, stage]) => `  ${name}: ${stage}\n`);
    const rig = createRig({ 'pipeline.yaml': `stages:\n${lines.join('')}`, lost: '' });
    succeeded(await rig.lockstep(['repro']));
    for (const name of ['d/b', 'lost']) rig.remove(name);
    const { code, stderr } = await rig.lockstep(['commit']);
    const told = [...stderr.matchAll(/^error\[(.*)\]/gm)].map((match) => match[1]);
    const all = ['out.missing', 'dep.missing'];
    assert.deepEqual([code, told], [exit, exit === 1 ? all : all.toReversed()]);
  }
});

test('a commit that brings a tracked input back leaves no record of its own', async () => {
  const rig = createRig({
    'pipeline.yaml': 'data: [in]\nstages: { copy: { cmd: cat in > copy, deps: [in], outs: [copy] } }\n',
    in: '1\n',
  });
  succeeded(await rig.lockstep(['repro']));
  for (const name of ['in', 'copy']) rig.remove(name);
  rig.write('copy', '2\n');
  assert.match(succeeded(await rig.lockstep(['commit'])).stdout, /^recorded copy$/m);
  assert.deepEqual(leftovers(rig.root), []);
});

test(
  'nothing is said to be recorded in a lock that cannot be written, also beside a stage whose out is not there',
  { skip: process.getuid?.() === 0 && 'root may write everywhere' },
  async () => {
    const rig = createRig({
      'pipeline.yaml':
        'stages:\n  a: { cmd: echo 1 > d/a, outs: [d/a] }\n  b: { cmd: echo 1 > d/b, outs: [d/b] }\n',
      '.gitignore': '/.lockstep\n',
      '.lockstep/kept': '',
      'd/a': '2\n',
    });
    chmodSync(rig.root, 0o555);
    const ran = await rig.lockstep(['commit']);
    chmodSync(rig.root, 0o755);
    assert.equal(ran.code, 1);
    assert.equal(ran.stdout, '');
    assert.match(ran.stderr, /^error\[disk\.denied\]/m);
  },
);

test('a gate holds for a commit too', async () => {
  const rig = await createDemo({
    'pipeline.yaml':
      'name: a\nstages:\n  rate:\n    cmd: echo \'{"rate":0.9}\' > rate.json\n    outs: { rate: { path: rate.json, metric: true } }\n    gates: { rate: { rate: { min: 0.8 } } }\n',
  });
  rig.remove('rate.json');
  rig.write('rate.json', '{"rate":0.1}\n');
  const ran = await rig.lockstep(['commit']);
  assert.equal(ran.code, 1);
  assert.match(ran.stderr, /error\[gate\.failed\]/);
  rig.remove('rate.json');
  rig.write('rate.json/part', '1\n');
  assert.match(
    (await rig.lockstep(['commit'])).stderr,
    /^error\[gate\.unreadable\]: "rate\.json" .* is a folder,/m,
  );
});

test('a frozen stage that is not as it is recorded is told, and what does not read from it is recorded', async () => {
  const stages = `name: a
stages:
  cold: { cmd: echo 1 > cold, outs: [cold], frozen: true }
  after: { cmd: cat cold > after, deps: [cold], outs: [after] }
  other: { cmd: echo 1 > other, outs: [other] }
`;
  const rig = createRig({ 'pipeline.yaml': stages, cold: '1\n', after: '1\n', other: '1\n' });
  const never = await rig.lockstep(['commit']);
  assert.equal(never.code, 1);
  assert.equal(never.stdout, 'recorded other\n');
  assert.match(
    never.stderr,
    /^error\[stage\.frozen\]: stage "cold" is frozen, so neither it nor what reads from it was recorded: never run\n/,
  );
  const again = await rig.lockstep(['commit']);
  assert.deepEqual([again.code, again.stdout], [1, '']);
  rig.write('pipeline.yaml', stages.replace(', frozen: true', ''));
  assert.equal(succeeded(await rig.lockstep(['commit'])).stdout, 'recorded cold\nrecorded after\n');
  rig.write('pipeline.yaml', stages);
  assert.equal(
    succeeded(await rig.lockstep(['commit'])).stdout,
    'pipeline.lock already says what is here.\n',
  );
  rig.remove('cold');
  rig.write('cold', 'edited');
  const edited = await rig.lockstep(['commit']);
  assert.equal(edited.code, 1);
  assert.match(edited.stderr, /was recorded: out cold is not as recorded\n/);
});

test('what a frozen stage made stands where the hash algorithm was switched: it is read, and restored when it was edited', async () => {
  const yaml = (frozen: boolean, more = ''): string =>
    [
      'stages:',
      `  made: { cmd: mkdir -p d/sub && cp in.txt d/sub/a, deps: [in.txt], outs: [d/], frozen: ${frozen} }`,
      '  whole: { cmd: cat d/sub/a > whole.txt, deps: [d/], outs: [whole.txt] }',
      '  part: { cmd: cat d/sub/a > part.txt, deps: [d/sub], outs: [part.txt] }',
      more,
    ].join('\n');
  const rig = createRig({ 'pipeline.yaml': yaml(false), 'in.txt': 'one\n' });
  succeeded(await rig.lockstep(['repro']));
  rig.write('pipeline.yaml', yaml(true, 'hash: md5\n'));
  succeeded(await rig.lockstep(['commit']));
  assert.equal((await rig.lockstep(['status', '-q'])).code, 0);
  rig.remove('d/sub/a');
  rig.write('d/sub/a', 'edited\n');
  assert.match(
    succeeded(await rig.lockstep(['status'])).stdout,
    /^made +would restore +out d is not as recorded$/m,
  );
  succeeded(await rig.lockstep(['repro', '--force']));
  for (const name of ['d/sub/a', 'whole.txt', 'part.txt']) assert.equal(rig.read(name), 'one\n');
  assert.equal((await rig.lockstep(['status', '-q'])).code, 0);
});

test('what is gone when the hash algorithm is switched is made again, for those that read it, too', async () => {
  const yaml = [
    'stages:',
    '  made: { cmd: echo one > one.txt, outs: [one.txt] }',
    '  read: { cmd: cat one.txt > two.txt, deps: [one.txt], outs: [two.txt] }\n',
  ].join('\n');
  const rig = createRig({ 'pipeline.yaml': yaml });
  succeeded(await rig.lockstep(['repro']));
  rig.write('pipeline.yaml', `${yaml}hash: md5\n`);
  rig.remove('one.txt');
  assert.match(succeeded(await rig.lockstep(['repro'])).stderr, /^2 stages: 2 ran in /m);
  assert.equal((await rig.lockstep(['status', '-q'])).code, 0);
});

test('a tracked input that is named is recorded alone: what was made of it before is stale, and no result of it', async () => {
  const rig = createRig({
    'pipeline.yaml': 'data: [sub/in]\nstages:\n  s: { cmd: cat sub/in > out, deps: [sub/in], outs: [out] }\n',
    'sub/in': 'old\n',
  });
  succeeded(await rig.lockstep(['repro']));
  rig.write('sub/in', 'new\n');
  const committed = await rig.lockstep(['commit', 'in'], { cwd: 'sub' });
  assert.deepEqual([succeeded(committed).stdout, committed.stderr], ['', 'recorded sub/in\n']);
  assert.match(succeeded(await rig.lockstep(['status'])).stdout, /^s +would run +dep sub\/in modified/m);
  succeeded(await rig.lockstep(['repro']));
  assert.equal(rig.read('out'), 'new\n');
  // Beside a stage it is that stage that is meant.
  rig.write('sub/in', 'newer\n');
  assert.equal(succeeded(await rig.lockstep(['commit', 's', 'sub/in'])).stdout, 'recorded s\n');
});

test('of two tracked inputs that were edited only the one that is named is recorded, and the other stays an edit', async () => {
  const rig = createRig({ 'pipeline.yaml': 'data: [a, b]\nstages: {}\n', a: '1', b: '1' });
  succeeded(await rig.lockstep(['repro']));
  const before = rig.read('pipeline.lock');
  rig.write('a', '2');
  rig.write('b', '2');
  assert.equal(succeeded(await rig.lockstep(['commit', 'a'])).stderr, 'recorded a\n');
  rig.write('pipeline.lock', before);
  // What b stood as is still the lock's: as an edit it is recorded, not undone.
  assert.match(succeeded(await rig.lockstep(['repro'])).stderr, /^recorded b$/m);
  assert.deepEqual([rig.read('a'), rig.read('b')], ['1', '2']);
});

test('a tracked input that is named is recorded although another one was never here', async () => {
  const rig = createRig({ 'pipeline.yaml': 'data: [a, b]\nstages: {}\n', a: '1' });
  assert.equal(succeeded(await rig.lockstep(['commit', 'a'])).stderr, 'recorded a\n');
  assert.match(rig.read('pipeline.lock'), /^data:\n {2}- path: a\n {4}hash: .*\n {4}size: 1\n/m);
  for (const args of [['commit', 'b'], ['commit']]) {
    const refused = await rig.lockstep(args);
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      /^error\[data\.missing\]: the tracked input "b" is neither here nor in the cache$/m,
    );
  }
});
