import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { createRig } from './rig.ts';
import type { Ran, Rig } from './rig.ts';

const PIPELINE = `name: demo
stages:
  make: { cmd: "cat in.txt > made.txt; cat noise >> made.txt", deps: [in.txt], params: [by], outs: [made.txt] }
  tick: { cmd: "echo t > tick.txt", refresh: { every: 1d }, outs: [tick.txt] }
`;

async function recorded(): Promise<Rig> {
  const rig = createRig({
    'pipeline.yaml': PIPELINE,
    'params.yaml': 'by: 1\n',
    'in.txt': 'in\n',
    noise: 'n\n',
  });
  const ran = await rig.lockstep(['repro'], { env: { LOCKSTEP_NOW: '2026-03-16T12:00:00Z' } });
  assert.equal(ran.code, 0, ran.stderr);
  return rig;
}

const locked = (rig: Rig, now = '2026-04-01T12:00:00Z'): Promise<Ran> =>
  rig.lockstep(['repro', '--locked'], { env: { LOCKSTEP_NOW: now } });

/** What a fresh clone has: the lock, and no cache. */
function forget(rig: Rig): void {
  rig.remove('.lockstep');
  rig.remove('made.txt');
  rig.remove('tick.txt');
}

test('where nothing differs, everything is fresh, even after the next tick', async () => {
  const rig = await recorded();
  const ran = await locked(rig);
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(ran.stderr, 'Everything is fresh: 2 stages, nothing to do.\n');
});

test('missing outs are restored, and the lock is not touched', async () => {
  const rig = await recorded();
  const before = statSync(rig.path('pipeline.lock'));
  rig.remove('made.txt');
  const ran = await locked(rig);
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(rig.read('made.txt'), 'in\nn\n');
  const after = statSync(rig.path('pipeline.lock'));
  assert.deepEqual([after.ino, after.mtimeMs], [before.ino, before.mtimeMs]);
});

test('without a cache everything is rebuilt and found to be the same', async () => {
  const rig = await recorded();
  const lock = rig.read('pipeline.lock');
  forget(rig);
  const ran = await locked(rig);
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(rig.read('made.txt'), 'in\nn\n');
  assert.equal(rig.read('pipeline.lock'), lock);
});

test('a stage that makes other bytes is told with its out, and its outs are not put in place', async () => {
  const rig = await recorded();
  const lock = rig.read('pipeline.lock');
  forget(rig);
  rig.write('noise', 'other\n');
  const ran = await locked(rig);
  assert.equal(ran.code, 1);
  assert.match(
    ran.stderr,
    /error\[locked\.not-reproduced\]: stage "make" made other bytes of "made\.txt" than pipeline\.lock says/,
  );
  const kept = '; what it made is in .lockstep/failed/make\n';
  assert.ok(
    ran.stderr.includes(`hint: a stage must not depend on what it does not declare${kept}`),
    ran.stderr,
  );
  assert.equal(existsSync(rig.path('made.txt')), false);
  assert.equal(readFileSync(rig.path('.lockstep/failed/make/made.txt'), 'utf8'), 'in\nother\n');
  rig.remove('.lockstep/failed');
  rig.write('.lockstep/failed', 'in the way');
  const again = await locked(rig);
  assert.match(again.stderr, /hint: a stage must not depend on what it does not declare\n/);
  assert.equal(rig.read('pipeline.lock'), lock);
});

for (const [what, change, told] of [
  [
    'parameter',
    (rig: Rig): void => rig.write('params.yaml', 'by: 2\n'),
    /is not what pipeline\.lock says: param by changed: 1 → 2/,
  ],
  [
    'dep',
    (rig: Rig): void => rig.write('in.txt', 'else\n'),
    /is not what pipeline\.lock says: dep in\.txt modified/,
  ],
  [
    'command',
    (rig: Rig): void => rig.write('pipeline.yaml', PIPELINE.replace('cat noise', 'tac noise')),
    /is not what pipeline\.lock says: command changed/,
  ],
] as const) {
  test(`a changed ${what} is refused with exit 2 and runs nothing`, async () => {
    const rig = await recorded();
    const lock = rig.read('pipeline.lock');
    change(rig);
    const ran = await locked(rig);
    assert.equal(ran.code, 2, ran.stderr);
    assert.match(ran.stderr, /error\[locked\.differs\]/);
    assert.match(ran.stderr, told);
    assert.equal(rig.read('made.txt'), 'in\nn\n');
    assert.equal(rig.read('pipeline.lock'), lock);
  });
}

test('a stage that makes an out executable which is not so in the lock is told with it', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages: { copy: { cmd: cp -p in.sh out.sh, deps: [in.sh], outs: [out.sh] } }\n',
    'in.sh': 'true\n',
  });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  for (const name of ['.lockstep', 'out.sh']) rig.remove(name);
  chmodSync(rig.path('in.sh'), 0o755);
  const ran = await rig.lockstep(['repro', '--locked']);
  assert.equal(ran.code, 1);
  assert.match(
    ran.stderr,
    /error\[locked\.not-reproduced\]: stage "copy" made "out\.sh" executable, unlike what pipeline\.lock says/,
  );
  assert.ok(!existsSync(rig.path('out.sh')));
});

test('a difference of a stage that waits for another is told before anything runs', async () => {
  const rig = createRig({
    'pipeline.yaml': `${PIPELINE}  last: { cmd: "cat made.txt > last.txt", deps: [made.txt], params: [to], outs: [last.txt] }\n`,
    'params.yaml': 'by: 1\nto: 1\n',
    'in.txt': 'in\n',
    noise: 'n\n',
  });
  assert.equal((await locked(rig)).code, 2);
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  forget(rig);
  rig.remove('last.txt');
  rig.write('params.yaml', 'by: 1\nto: 2\n');
  const ran = await locked(rig);
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /^error\[locked\.differs\]: stage "last" is not .*: param to changed: 1 → 2\n/);
  assert.ok(!existsSync(rig.path('made.txt')));
});

test('--dry-run --locked refuses what --locked would', async () => {
  const rig = await recorded();
  assert.equal((await rig.lockstep(['repro', '--locked', '--dry-run'])).code, 0);
  rig.write('params.yaml', 'by: 2\n');
  const ran = await rig.lockstep(['repro', '--locked', '--dry-run']);
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /^error\[locked\.differs\]: stage "make" is not what pipeline\.lock says/);
});

test('a tracked input that changed, or was never recorded, is refused before it is recorded; one that is gone comes back', async () => {
  const rig = createRig({ 'pipeline.yaml': 'data: [big.csv]\nstages: {}\n', 'big.csv': '1\n' });
  const unrecorded = await locked(rig);
  assert.equal(unrecorded.code, 2);
  assert.match(
    unrecorded.stderr,
    /^error\[locked\.missing\]: the tracked input "big\.csv" is not in pipeline\.lock/,
  );
  assert.equal(existsSync(rig.path('.gitignore')), false);
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.write('big.csv', '2\n');
  for (const args of [[], ['--dry-run']]) {
    const changed = await rig.lockstep(['repro', '--locked', ...args]);
    assert.equal(changed.code, 2);
    assert.match(
      changed.stderr,
      /^error\[locked\.differs\]: the tracked input "big\.csv" is not what pipeline\.lock says/,
    );
  }
  rig.remove('big.csv');
  assert.equal((await locked(rig)).code, 0);
  assert.equal(rig.read('big.csv'), '1\n');
});

test('a stage that is not in the lock is refused with exit 2', async () => {
  const rig = await recorded();
  rig.write('pipeline.yaml', `${PIPELINE}  more: { cmd: "echo m > more.txt", outs: [more.txt] }\n`);
  const ran = await locked(rig);
  assert.equal(ran.code, 2, ran.stderr);
  assert.match(ran.stderr, /error\[locked\.missing\]: stage "more" is not in pipeline\.lock/);
  assert.equal(existsSync(rig.path('more.txt')), false);
});

test('a stage that is in the lock only is no difference, and stays there', async () => {
  const rig = await recorded();
  const lock = rig.read('pipeline.lock');
  rig.write('pipeline.yaml', PIPELINE.replace(/^ {2}tick:.*\n/m, ''));
  assert.equal((await locked(rig)).code, 0);
  assert.equal(rig.read('pipeline.lock'), lock);
});

test('a frozen stage stands as it is recorded, whatever has become of what it was made from', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  make: { cmd: cat in.txt > made.txt, deps: [in.txt], outs: [made.txt] }
  old: { cmd: cp made.txt old.txt, deps: [made.txt], outs: [old.txt] }
`,
    'in.txt': '1\n',
  });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.write('pipeline.yaml', rig.read('pipeline.yaml').replace('[old.txt] }', '[old.txt], frozen: true }'));
  rig.write('in.txt', '2\n');
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  const lock = rig.read('pipeline.lock');
  for (const gone of ['made.txt', 'old.txt']) {
    rig.remove(gone);
    const ran = await locked(rig);
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stderr, /1 restored, 1 fresh/);
  }
  assert.equal(rig.read('old.txt'), '1\n');
  assert.equal(rig.read('pipeline.lock'), lock);
});
