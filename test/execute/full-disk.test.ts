import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { lstatSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { leftovers } from '../crash/state.ts';
import { createRig, rigAt } from '../rig.ts';
import { faultAtRename, outcomesOf, problemOf } from './tools.ts';
import { FILES, mountTmpfs, outsOf } from './fault-project.ts';

test('a full disk is told as such, leaves the old outs, and the next run works once there is room', async (t) => {
  const root = mountTmpfs(t);
  if (root === undefined) return t.skip('no file system can be mounted here');
  const rig = rigAt(root, FILES);
  const first = await rig.lockstep(['repro']);
  assert.equal(first.code, 0, first.stderr);
  const before = outsOf(rig);
  for (const size of ['3900000', '1600000']) {
    rig.write('size', size);
    const full = await rig.lockstep(['repro', '--json', '-k']);
    assert.equal(full.code, 1, full.stdout + full.stderr);
    assert.ok(!full.stdout.includes('internal.bug'), full.stdout);
    assert.ok(!full.stderr.includes('internal.bug'), full.stderr);
    assert.ok(Object.values(outcomesOf(full)).includes('failed'), full.stdout + full.stderr);
    if (size === '3900000') assert.deepEqual(outsOf(rig), before);
    // What failed is kept, and may be all that fills the disk.
    rmSync(join(root, '.lockstep/failed'), { recursive: true, force: true });
  }
  rig.write('size', '2000');
  const next = await rig.lockstep(['repro']);
  assert.equal(next.code, 0, next.stderr);
  assert.equal(rig.bytes('big').length, 2000);
  assert.deepEqual(leftovers(rig.root), []);
});

test('on a full disk the outs of failed attempts are named, with their size, as what can go', async () => {
  const rig = createRig({
    'pipeline.yaml':
      'stages:\n  failing: { cmd: head -c 3000000 /dev/zero > huge; false, outs: [huge] }\n  other: { cmd: echo x > out, outs: [out] }\n',
  });
  assert.equal((await rig.lockstep(['repro', 'failing'])).code, 1);
  const ofStage = await rig.lockstep(['repro', 'other', '--json'], { env: faultAtWrite('/files/sha256/') });
  const hint =
    'remove .lockstep/failed (2.9 MiB of failed outs, kept for looking at only), or make room (see "lockstep gc"), then run again: nothing was lost';
  assert.equal(problemOf(ofStage, 'other').hint?.split('; what it made')[0], hint);
  const ofCommand = await rig.lockstep(['repro', 'other'], { env: faultAtWrite('/runs/') });
  assert.ok(ofCommand.stderr.includes(`= hint: ${hint}`), ofCommand.stderr);
  const ofLock = await rig.lockstep(['repro', 'other'], { env: faultAtWrite('pipeline.lock') });
  assert.ok(ofLock.stderr.includes(` = hint: ${hint}`), ofLock.stderr);
});

test('on a disk without any room "gc --delete" makes some, and the next run works', async (t) => {
  const root = mountTmpfs(t);
  if (root === undefined) return t.skip('no file system can be mounted here');
  const rig = rigAt(root, FILES);
  for (const size of ['1000', '500000']) {
    rig.write('size', size);
    assert.equal((await rig.lockstep(['repro'])).code, 0);
  }
  rig.write('size', '2000');
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.remove('.lockstep/runs');
  spawnSync('dd', ['if=/dev/zero', `of=${rig.path('filler')}`, 'bs=1024', 'count=4000'], { stdio: 'ignore' });
  assert.equal(statfsSync(root).bavail, 0);
  const full = await rig.lockstep(['repro', '--force']);
  assert.equal(full.code, 1);
  assert.match(full.stderr, /error\[disk\.full\]/);
  const gc = await rig.lockstep(['gc', '--delete']);
  assert.equal(gc.code, 0, gc.stderr);
  assert.match(gc.stdout, /^Removed /);
  const next = await rig.lockstep(['repro', '--force']);
  assert.equal(next.code, 0, next.stderr);
  assert.deepEqual(leftovers(rig.root), []);
});

for (const [what, target] of [
  ['an object of the cache', '/files/sha256/'],
  ['the run cache', '/runs/'],
  ['the lock', 'pipeline.lock'],
] as const) {
  test(`a disk that is full when ${what} is written fails with its code, and the next run ends well`, async () => {
    const rig = createRig(FILES);
    assert.equal((await rig.lockstep(['repro'])).code, 0);
    const before = outsOf(rig);
    rig.write('size', '2000');
    const ran = await rig.lockstep(['repro'], { env: faultAtWrite(target) });
    assert.equal(ran.code, 1, ran.stderr);
    assert.match(ran.stderr, /error\[disk\.full\]: .*the disk is full/);
    assert.match(ran.stderr, /hint: make room/);
    if (target === '/files/sha256/') assert.deepEqual(outsOf(rig), before);
    const next = await rig.lockstep(['repro']);
    assert.equal(next.code, 0, next.stderr);
    assert.equal(rig.bytes('big').length, 2000);
    assert.equal((await rig.lockstep(['repro'])).stderr, 'Everything is fresh: 2 stages, nothing to do.\n');
    assert.deepEqual(leftovers(rig.root), []);
  });
}

/** Every file whose path has the text, or becomes it by a rename or a link, meets a full disk. */
function faultAtWrite(text: string): Record<string, string> {
  const code = `import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
for (const name of ['renameSync', 'linkSync']) {
  const real = fs[name];
  fs[name] = (from, to) => {
    if (String(to).includes(${JSON.stringify(text)})) throw Object.assign(new Error('ENOSPC: injected'), { code: 'ENOSPC', syscall: name, path: to });
    return real(from, to);
  };
}
syncBuiltinESMExports();`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` };
}

test('a failing move of a restored out leaves what was there', async () => {
  const rig = createRig(FILES);
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.write('size', '2000');
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  const before = outsOf(rig);
  rig.write('size', '1000');
  const ran = await rig.lockstep(['repro', '--json', '-k'], {
    env: faultAtRename(`${rig.root}/dir`, 'ENOSPC'),
  });
  assert.equal(ran.code, 1, ran.stdout);
  assert.equal(problemOf(ran, 'module').code, 'disk.full');
  assert.equal(rig.bytes('dir/0').length, 500);
  assert.notDeepEqual(outsOf(rig), before);
  const next = await rig.lockstep(['repro', '--json']);
  assert.deepEqual({ ...outcomesOf(next) }, { shell: 'fresh', module: 'restored' });
  assert.deepEqual(leftovers(rig.root), []);
});

test('verify puts outs back into the cache as links, and tells all that it found where the disk is full', async (t) => {
  const root = mountTmpfs(t);
  if (root === undefined) return t.skip('no file system can be mounted here');
  const rig = rigAt(root, {
    'pipeline.yaml': `data: [data]
stages:
  big: { cmd: head -c 1500000 /dev/zero > big, outs: [big] }
  small: { cmd: echo 1 > small, outs: [small] }
`,
    data: Buffer.alloc(700_000, 'x').toString(),
  });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.remove('.lockstep/files');
  rig.write('filler', Buffer.alloc(500_000, 'x').toString());
  const full = await rig.lockstep(['verify']);
  assert.equal(full.code, 1);
  assert.match(full.stderr, /error\[disk\.full\]: "data" cannot be put back into the cache: /);
  for (const path of ['big', 'small'])
    assert.match(full.stderr, new RegExp(`"${path}" in the workspace is right, and its bytes were put back`));
  rig.remove('filler');
  assert.equal((await rig.lockstep(['verify'])).code, 1);
  assert.equal((await rig.lockstep(['verify', '--read-data'])).code, 0);
  assert.equal(lstatSync(rig.path('big')).nlink, 2);
});
