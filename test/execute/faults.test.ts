import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { SpawnSyncReturns } from 'node:child_process';
import { leftovers } from '../crash/state.ts';
import { CLI, cleanEnv, createRig, rigAt } from '../rig.ts';
import type { Rig } from '../rig.ts';
import { faultAtRename, outcomesOf } from './tools.ts';
import { FILES, MODULE, mountTmpfs, outsOf } from './fault-project.ts';

function reproAsNobody(rig: Rig, group?: number): SpawnSyncReturns<string> {
  return asNobody(rig, ['repro', '--json'], group);
}

function asNobody(rig: Rig, args: readonly string[], group = 65534): SpawnSyncReturns<string> {
  return spawnSync(
    'setpriv',
    ['--reuid=65534', `--regid=${group}`, '--clear-groups', process.execPath, CLI, ...args],
    { cwd: rig.root, env: cleanEnv(), encoding: 'utf8' },
  );
}

test('an old out that cannot be removed is told, and stops neither its stage, nor what reads from it, nor the next run', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can put another user\u2019s files there');
  const rig = createRig({
    'pipeline.yaml': `stages:
  folder: { cmd: mkdir -p d/sub && cp size d/sub/file && ! grep -q bad size, deps: [size], outs: [d/] }
  file: { cmd: cp d/sub/file file, deps: [d], outs: [file] }
  other: { cmd: cp file other, deps: [file], outs: [other] }
`,
    size: '1',
  });
  chmodSync(rig.root, 0o777);
  const run = (): SpawnSyncReturns<string> => reproAsNobody(rig);
  assert.equal(run().status, 0);
  chownSync(rig.path('d/sub'), 0, 0);
  for (const size of ['2', '3']) {
    rig.write('size', size);
    const ran = run();
    assert.equal(ran.status, 0, ran.stdout + ran.stderr);
    const [left] = readdirSync(rig.path('.lockstep/staging'));
    assert.match(ran.stdout, /"code":"staging.left"/);
    assert.ok(ran.stdout.includes(`sudo rm -r .lockstep/staging/${left}`), ran.stdout);
    assert.equal(rig.read(`.lockstep/staging/${left}/aside/0/d/sub/file`), '1');
    assert.equal(rig.read('other'), size);
  }
  for (const size of ['bad', 'bad again', 'bad once more']) {
    rig.write('size', size);
    const failed = run();
    assert.equal(failed.status, 1, failed.stdout);
    assert.doesNotMatch(failed.stdout, /not back yet/);
    assert.equal(rig.read('d/sub/file'), '3');
    assert.equal(rig.read('.lockstep/failed/folder/d/sub/file'), size);
    chownSync(rig.path('.lockstep/failed/folder/d/sub'), 0, 0);
  }
  const theirs = readdirSync(rig.path('.lockstep/failed')).filter((name) => name.startsWith('.'));
  // What was kept of the attempts before stays as well: nobody but its owner can remove it.
  assert.equal(theirs.length, 2);
  for (const left of theirs) rmSync(rig.path(`.lockstep/failed/${left}`), { recursive: true });
  for (const left of readdirSync(rig.path('.lockstep/staging')))
    rmSync(rig.path(`.lockstep/staging/${left}`), { recursive: true });
  rig.write('size', '4');
  const after = run();
  assert.equal(after.status, 0, after.stdout);
  assert.doesNotMatch(after.stdout, /staging.left/);
  assert.deepEqual(leftovers(rig.root), []);
});

test('outs that a stage made as another user, in a container, are taken in as copies, by a run and by a commit', (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can put another user\u2019s files there');
  const rig = createRig({
    'pipeline.yaml': `stages:
  made: { cmd: mv theirs/file file && mv theirs/in d/in && echo own > d/own, outs: [file, d/] }
`,
    'theirs/file': 'theirs',
    'theirs/in': 'theirs, too',
  });
  for (const path of ['.', 'theirs']) chmodSync(rig.path(path), 0o777);
  const isTaken = (args: readonly string[]): void => {
    const ran = asNobody(rig, args);
    assert.equal(ran.status, 0, ran.stdout + ran.stderr);
    for (const path of ['file', 'd/in'])
      assert.deepEqual(
        [statSync(rig.path(path)).uid, statSync(rig.path(path)).mode & 0o777],
        [0, 0o644],
        path,
      );
    assert.equal(asNobody(rig, ['verify', '--read-data']).status, 0);
  };
  isTaken(['repro']);
  for (const path of ['file', 'd/in']) {
    rmSync(rig.path(path));
    rig.write(path, `${path} anew`);
  }
  isTaken(['commit']);
});

test('folders that a stage made read-only are replaced, checked out, kept where it fails, and removed', (t) => {
  if (process.getuid?.() !== 0)
    return t.skip('root may write to them, and only root can become someone else');
  const rig = createRig({
    'pipeline.yaml': `stages:
  shell: { cmd: mkdir -p d/e && cp size d/e/f && chmod 555 d/e d && ! grep -q bad size, deps: [size], outs: [d] }
  module: { run: m.ts, deps: { size: size }, outs: { made: made/ } }
`,
    'm.ts': `import { chmodSync, copyFileSync } from 'node:fs';
export default ({ deps, outs }) => { copyFileSync(deps.size, outs.made + '/f'); chmodSync(outs.made, 0o555); };`,
  });
  chmodSync(rig.root, 0o777);
  for (const size of ['1', '2', '3']) {
    rig.write('size', size);
    const ran = reproAsNobody(rig);
    assert.equal(ran.status, 0, ran.stdout);
    assert.doesNotMatch(ran.stdout, /"warned"/);
    assert.deepEqual(leftovers(rig.root), []);
  }
  for (const size of ['bad', 'bad again']) {
    rig.write('size', size);
    assert.equal(reproAsNobody(rig).status, 1);
    assert.equal(rig.read('d/e/f'), '3');
    assert.equal(rig.read('.lockstep/failed/shell/d/e/f'), size);
    assert.deepEqual(leftovers(rig.root), []);
  }
  rig.write('size', '1');
  assert.match(reproAsNobody(rig).stdout, /"outcome":"restored"/);
  assert.deepEqual([rig.read('d/e/f'), rig.read('made/f')], ['1', '1']);
  assert.deepEqual(leftovers(rig.root), []);
});

test('doctor looks at the rest where folders of .lockstep are closed to who asks', (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can put another user\u2019s files there');
  const rig = createRig(FILES);
  chmodSync(rig.root, 0o777);
  assert.equal(reproAsNobody(rig).status, 0);
  rig.write('.lockstep/failed/shell/d/f', 'x');
  chmodSync(rig.path('.lockstep/failed/shell/d'), 0o700);
  const all = asNobody(rig, ['doctor']).stdout;
  assert.match(all, /ok {4}temps [^]*ok {4}size [^]*ok {4}remotes /);
  chownSync(rig.path('.lockstep/staging'), 0, 0);
  chmodSync(rig.path('.lockstep/staging'), 0o700);
  const denied = asNobody(rig, ['doctor']);
  assert.equal(denied.status, 1);
  assert.match(denied.stdout, /fail {2}temps {5}permission is denied [^]*ok {4}remotes /);
});

test('old outs are back at once where .lockstep/failed itself is another user\u2019s, and nothing is said to be kept there', (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can put another user\u2019s files there');
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  s: { cmd: cp in out && ! grep -q bad in, deps: [in], outs: [out] }\n',
    in: '1',
  });
  chmodSync(rig.root, 0o777);
  assert.equal(reproAsNobody(rig).status, 0);
  rig.write('.lockstep/failed/s/out', 'what root made');
  rig.write('in', 'bad');
  const failed = reproAsNobody(rig);
  assert.equal(failed.status, 1, failed.stdout);
  assert.doesNotMatch(failed.stdout, /not back yet|what it made is in/);
  assert.equal(rig.read('out'), '1');
  assert.deepEqual(leftovers(rig.root), []);
});

test('an out that is a mount point, or has one in it, is told as such, by a run and by a checkout, and keeps what is in it', async (t) => {
  const mounted = mountTmpfs(t);
  if (mounted === undefined) return t.skip('no file system can be mounted here');
  const rig = createRig({ 'pipeline.yaml': 'stages:\n  s: { cmd: echo made > d/file, outs: [d/] }\n' });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.remove('d');
  rig.write('d/.keep', '');
  rig.remove('d/.keep');
  for (const at of ['d', 'd/volume']) {
    mkdirSync(rig.path(at), { recursive: true });
    execFileSync('mount', ['--bind', mounted, rig.path(at)]);
    try {
      rig.write(`${at}/mine`, 'x');
      for (const command of ['checkout', 'repro']) {
        const ran = await rig.lockstep([command]);
        assert.equal(ran.code, 1, ran.stderr);
        assert.match(ran.stderr, /error\[disk\.busy\].*something is mounted there/);
        assert.deepEqual(leftovers(rig.root), []);
        assert.equal(rig.read(`${at}/mine`), 'x');
      }
    } finally {
      execFileSync('umount', [rig.path(at)]);
    }
  }
  assert.equal((await rig.lockstep(['checkout'])).code, 0);
  assert.equal(rig.read('d/file'), 'made\n');
});

test('outs below another mount of the same device are made, cached, replaced, put back and checked out', async (t) => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  shell: { cmd: mkdir -p mnt/d && cp size mnt/d/file && ! grep -q bad size, deps: [size], outs: [mnt/d/] }
  module:
    run: m.ts
    deps: { size: size }
    outs: { dir: mnt/dir/ }
`,
    'm.ts': MODULE,
    size: '1000',
    'volume/.keep': '',
    'mnt/.keep': '',
  });
  if (spawnSync('mount', ['--bind', rig.path('volume'), rig.path('mnt')]).status !== 0)
    return t.skip('no file system can be mounted here');
  try {
    for (const size of ['1000', '2000']) {
      rig.write('size', size);
      const ran = await rig.lockstep(['repro']);
      assert.equal(ran.code, 0, ran.stderr);
      assert.equal(rig.bytes('mnt/dir/0').length, Number(size) / 4);
    }
    rig.write('size', 'bad');
    const failed = await rig.lockstep(['repro', '-k']);
    assert.equal(failed.code, 1);
    assert.doesNotMatch(failed.stderr, /not back yet/);
    assert.equal(rig.read('mnt/d/file'), '2000');
    rig.remove('mnt/d/file');
    rig.write('mnt/dir/0', 'mine');
    const made = await rig.lockstep(['checkout']);
    assert.equal(made.code, 0, made.stderr);
    assert.equal(rig.read('mnt/d/file'), '2000');
    assert.equal(rig.bytes('mnt/dir/0').length, 500);
    assert.deepEqual(leftovers(rig.root), []);
    assert.deepEqual(readdirSync(rig.path('volume')).sort(), ['.gitignore', '.keep', 'd', 'dir']);
  } finally {
    execFileSync('umount', [rig.path('mnt')]);
  }
});

test('outs in the image of a container, which an overlay cannot rename, are replaced, checked out and put back', async (t) => {
  const layers = mountTmpfs(t);
  if (layers === undefined) return t.skip('no file system can be mounted here');
  const image = rigAt(join(layers, 'lower'), FILES);
  assert.equal((await image.lockstep(['repro'])).code, 0);
  const [upper, work, root] = [join(layers, 'upper'), join(layers, 'work'), join(layers, 'merged')];
  for (const folder of [upper, work, root]) mkdirSync(folder);
  const options = `lowerdir=${image.root},upperdir=${upper},workdir=${work},redirect_dir=off`;
  if (spawnSync('mount', ['-t', 'overlay', 'overlay', '-o', options, root]).status !== 0)
    return t.skip('no overlay can be mounted here');
  const rig = rigAt(root, { size: '2000' });
  const before = outsOf(rig);
  const failed = await rig.lockstep(['repro', '-k'], { env: faultAtRename(`${root}/dir`, 'EACCES') });
  assert.equal(failed.code, 1, failed.stderr);
  assert.equal(rig.bytes('dir/0').length, 250);
  assert.equal(before['dir/0'], outsOf(rig)['dir/0']);
  const ran = await rig.lockstep(['repro', '--json']);
  assert.deepEqual({ ...outcomesOf(ran) }, { shell: 'fresh', module: 'ran' });
  assert.equal(rig.bytes('dir/0').length, 500);
  assert.deepEqual(leftovers(rig.root), []);
});

test('a read-only file system is told as such; what only reads works on it', async (t) => {
  const root = mountTmpfs(t);
  if (root === undefined) return t.skip('no file system can be mounted here');
  const rig = rigAt(root, FILES);
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.write('size', '2000');
  execFileSync('mount', ['-o', 'remount,ro', root]);
  const ran = await rig.lockstep(['repro']);
  assert.equal(ran.code, 1, ran.stderr);
  assert.match(ran.stderr, /error\[(disk\.read-only|mutex\.unusable)\]/);
  const status = await rig.lockstep(['status']);
  assert.equal(status.code, 0, status.stderr);
  assert.match(status.stdout, /shell +would run/);
  execFileSync('mount', ['-o', 'remount,rw', root]);
  assert.equal((await rig.lockstep(['repro'])).code, 0);
});

test('a clone on a read-only file system is told as such, by whatever needs more than to look', async (t) => {
  const root = mountTmpfs(t);
  if (root === undefined) return t.skip('no file system can be mounted here');
  const rig = rigAt(root, FILES);
  execFileSync('mount', ['-o', 'remount,ro', root]);
  for (const command of ['repro', 'commit', 'verify', 'gc']) {
    const ran = await rig.lockstep([command]);
    assert.equal(ran.code, 1, ran.stderr);
    assert.match(ran.stderr, /error\[disk\.read-only\]: the file system is read-only \(".*\.lockstep"\)/);
  }
  const status = await rig.lockstep(['status']);
  assert.equal(status.code, 0, status.stderr);
});

test('a workspace of several users is one at a time’s: who cannot lock it is told so, and the umask lets others in', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can become someone else');
  const rig = createRig({
    'pipeline.yaml': 'stages: { s: { cmd: cp in out, deps: [in], outs: [out] } }\n',
    in: '1',
  });
  const before = process.umask(0o002);
  t.after(() => process.umask(before));
  chmodSync(rig.root, 0o2775);
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  const asMember = (): SpawnSyncReturns<string> => reproAsNobody(rig, 0);
  rig.write('in', '2');
  const ran = asMember();
  assert.equal(ran.status, 0, ran.stdout + ran.stderr);
  assert.equal(rig.read('out'), '2');
  // As SQLite makes it.
  chmodSync(rig.path('.lockstep/workspace.mutex'), 0o644);
  rig.write('in', '3');
  const refused = asMember();
  assert.equal(refused.status, 1, refused.stdout);
  assert.match(refused.stdout, /"mutex\.unusable".*another user's to write.*chmod g\+w \S+workspace\.mutex/);
  assert.equal(rig.read('out'), '2');
});

test('a workspace that belongs to someone else is told as such', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can become someone else');
  const rig = createRig(FILES);
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.write('size', '2000');
  chmodSync(rig.root, 0o755);
  const before = outsOf(rig);
  const ran = asNobody(rig, ['repro']);
  assert.equal(ran.status, 1, ran.stderr);
  assert.match(ran.stderr, /error\[(disk\.denied|mutex\.unusable)\]/);
  assert.deepEqual(outsOf(rig), before);
  // The state is theirs, the outs' folder is not.
  for (const path of readdirSync(rig.path('.lockstep'), { recursive: true, encoding: 'utf8' }))
    chownSync(rig.path(`.lockstep/${path}`), 65534, 65534);
  chownSync(rig.path('.lockstep'), 65534, 65534);
  const denied = asNobody(rig, ['repro', '-k']);
  assert.equal(denied.status, 1, denied.stderr);
  assert.match(denied.stderr, /error\[disk\.denied\]: .*permission is denied/);
  assert.ok(!denied.stderr.includes('internal.bug'), denied.stderr);
  assert.deepEqual(outsOf(rig), before);
  assert.equal((await rig.lockstep(['repro'])).code, 0);
});

test('too few open files is told as such and breaks nothing', async () => {
  const rig = createRig(FILES);
  const code = `import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
const open = fs.openSync;
fs.openSync = (path, ...rest) => {
  if (String(path).includes('/files/')) throw Object.assign(new Error('EMFILE: injected'), { code: 'EMFILE', syscall: 'open', path });
  return open(path, ...rest);
};
syncBuiltinESMExports();`;
  writeFileSync(rig.path('fault.mjs'), code);
  const ran = await rig.lockstep(['repro', '-k'], {
    env: { NODE_OPTIONS: `--import=${rig.path('fault.mjs')}` },
  });
  assert.equal(ran.code, 1, ran.stderr);
  assert.match(ran.stderr, /error\[disk\.too-many-files\]: .*too many files are open/);
  assert.match(ran.stderr, /hint: raise the limit with "ulimit -n 4096"/);
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  assert.deepEqual(leftovers(rig.root), []);
});
