import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { git, succeeded } from './commands/projects.ts';
import { REPOSITORY, createRig } from './rig.ts';
import type { Rig } from './rig.ts';

const PIPELINE = `stages:
  s:
    cmd: awk -v scale=\${scale} -v clip=\${clip} '{ v = $1 * scale; if (clip > 0 && v > clip) v = clip; print v }' prices.txt > out.txt
    deps: [prices.txt]
    params: [clip, low, scale]
    outs: [out.txt]
`;
const params = (clip: number, scale: number): string => `clip: ${clip}\n\nlow: 1\n\nscale: ${scale}\n`;

async function record(rig: Rig, message: string): Promise<void> {
  succeeded(await rig.lockstep(['repro']));
  git(rig, 'add', '.');
  git(rig, 'commit', '-q', '-m', message);
}

/** Two branches of which each changed one parameter of a stage; on one of them the out stayed as it was. */
async function branched(): Promise<Rig> {
  const rig = createRig({ 'pipeline.yaml': PIPELINE, 'params.yaml': params(0, 1), 'prices.txt': '3\n50\n' });
  git(rig, 'init', '-q', '-b', 'main');
  await record(rig, 'base');
  git(rig, 'checkout', '-q', '-b', 'side');
  rig.write('params.yaml', params(100, 1));
  await record(rig, 'clip');
  git(rig, 'checkout', '-q', 'main');
  rig.write('params.yaml', params(0, 10));
  await record(rig, 'scale');
  return rig;
}

test('git makes no result of two: where both sides changed a stage, the lock conflicts', async () => {
  const rig = await branched();
  assert.throws(() => git(rig, 'merge', '-q', 'side'));
  assert.match(rig.read('params.yaml'), /^clip: 100\n\nlow: 1\n\nscale: 10\n$/);
  git(rig, 'checkout', '--ours', 'pipeline.lock');
  succeeded(await rig.lockstep(['repro']));
  assert.equal(rig.read('out.txt'), '30\n100\n');
});

/** A command of a page, as it is to be pasted. */
function pasted(rig: Rig, command: string): void {
  execFileSync('/bin/sh', ['-c', command], { cwd: rig.root, stdio: 'pipe' });
}

const [KEEP_OURS = ''] =
  /^perl -ni .*$/m.exec(readFileSync(join(REPOSITORY, 'docs/lockfile.md'), 'utf8')) ?? [];

/** Two branches of which each tracks an input of its own, and changed a folder that both have; merged, with conflicts. */
async function tracking(style: string): Promise<Rig> {
  const yaml = (...data: readonly string[]): string =>
    `data: [b, ${data.join(', ')}]\nstages:\n  s: { cmd: cat b/* ${data.join(' ')} > out, deps: [b, ${data.join(', ')}], outs: [out] }\n`;
  const rig = createRig({ 'pipeline.yaml': yaml('m'), m: 'm\n', 'b/1': '1\n' });
  git(rig, 'init', '-q', '-b', 'main');
  git(rig, 'config', 'merge.conflictStyle', style);
  await record(rig, 'base');
  git(rig, 'checkout', '-q', '-b', 'side');
  rig.write('pipeline.yaml', yaml('m', 'z'));
  rig.write('z', 'z\n');
  rig.write('m', 'more\n');
  rig.write('b/2', '2\n');
  await record(rig, 'side');
  git(rig, 'checkout', '-q', 'main');
  succeeded(await rig.lockstep(['checkout']));
  rig.remove('z');
  rig.write('pipeline.yaml', yaml('a', 'm'));
  rig.write('a', 'a\n');
  rig.write('b/3', '3\n');
  await record(rig, 'main');
  assert.throws(() => git(rig, 'merge', '-q', 'side'));
  rig.write('pipeline.yaml', yaml('a', 'm', 'z'));
  rig.write('.gitignore', '/b\n/out\n');
  return rig;
}

test('the tracked inputs of both sides are in the lock when one side of each marked place is kept', async () => {
  for (const style of ['merge', 'diff3']) {
    const rig = await tracking(style);
    const refused = await rig.lockstep(['repro']);
    assert.equal(refused.code, 2);
    assert.ok(refused.stderr.includes(`(yours: "${KEEP_OURS}")`), refused.stderr);
    pasted(rig, KEEP_OURS);
    succeeded(await rig.lockstep(['repro']));
    assert.equal(rig.read('out'), '1\n3\na\nmore\nz\n');
    assert.equal((await rig.lockstep(['status', '-q'])).code, 0);
  }
});

test('a folder that both sides changed can be united as the page says', async () => {
  const rig = await tracking('merge');
  git(rig, 'checkout', '--theirs', 'pipeline.lock');
  succeeded(await rig.lockstep(['checkout', 'b']));
  pasted(rig, 'cp -r b b.theirs');
  git(rig, 'checkout', '--ours', 'pipeline.lock');
  succeeded(await rig.lockstep(['checkout', 'b']));
  pasted(rig, 'cp -rn b.theirs/. b; rm -rf b.theirs');
  git(rig, 'checkout', '--merge', 'pipeline.lock');
  pasted(rig, KEEP_OURS);
  succeeded(await rig.lockstep(['repro']));
  assert.equal(rig.read('out'), '1\n2\n3\na\nmore\nz\n');
});

test('a tracked input that a merge lost from the lock is had again as the hint says', async () => {
  const rig = await tracking('merge');
  git(rig, 'checkout', '--theirs', 'pipeline.lock');
  const [entry = ''] = /^ {2}- path: z\n( {4}.*\n)+/m.exec(rig.read('pipeline.lock')) ?? [];
  git(rig, 'checkout', '--ours', 'pipeline.lock');
  const lost = await rig.lockstep(['repro']);
  assert.equal(lost.code, 2);
  assert.match(lost.stderr, /copy its entry from the data: of the other side's pipeline\.lock/);
  rig.write('pipeline.lock', rig.read('pipeline.lock').replace(/^stages:$/m, `${entry}stages:`));
  succeeded(await rig.lockstep(['repro']));
  assert.equal(rig.read('out'), '1\n3\na\nm\nz\n');
});

test('an entry that does not fit its checksum is no result: it is told, runs again, and is passed on as none', async () => {
  const rig = await branched();
  const lock = rig.read('pipeline.lock');
  const merged = lock.replace('clip: 0', 'clip: 100');
  rig.write('pipeline.lock', merged);
  rig.write('params.yaml', params(100, 10));
  rig.write('pipeline.yaml', `${PIPELINE}  other: { cmd: echo x > x, outs: [x] }\n`);
  succeeded(await rig.lockstep(['repro', 'other']));
  const status = succeeded(await rig.lockstep(['status']));
  assert.match(status.stdout, /^s +would run +its entry in pipeline\.lock was merged or edited$/m);
  const locked = await rig.lockstep(['repro', '--locked', 's']);
  assert.equal(locked.code, 2);
  assert.match(
    locked.stderr,
    /^error\[locked\.differs\]: stage "s" .*: its entry in pipeline\.lock was merged or edited/,
  );
  succeeded(await rig.lockstep(['repro']));
  assert.equal(rig.read('out.txt'), '30\n100\n');
  assert.equal((await rig.lockstep(['status', '-q'])).code, 0);
});

test('an entry of a lock from before there were checksums is believed', async () => {
  const rig = await branched();
  rig.write('pipeline.lock', rig.read('pipeline.lock').replace(/^ +sum: .*\n/gm, ''));
  rig.remove('.lockstep/settled');
  assert.equal((await rig.lockstep(['status', '-q'])).code, 0);
});

test('a result that was pulled returns without a run, as one that was made here does', async () => {
  const rig = await branched();
  // As after a pull: the objects are here, and no run cache.
  rig.remove('.lockstep/runs');
  rig.write('params.yaml', params(0, 20));
  succeeded(await rig.lockstep(['repro']));
  rig.write('params.yaml', params(0, 10));
  assert.match((await rig.lockstep(['status'])).stdout, /^s +would restore +/m);
});

test('what a merge made of the entry of a frozen stage stands while it is frozen, and no longer', async () => {
  const yaml = (frozen: boolean): string =>
    `stages:\n  s: { cmd: cp in.txt out.txt, deps: [in.txt], outs: [out.txt], frozen: ${frozen} }\n`;
  const rig = createRig({
    'pipeline.yaml': yaml(false),
    'remotes.yaml': 'default: origin\nremotes:\n  origin: { url: remote }\n',
    'in.txt': 'old\n',
  });
  const outOf = (lock: string): string => /^ {4}outs:\n.*\n +hash: (\S+)$/m.exec(lock)?.[1] ?? '';
  succeeded(await rig.lockstep(['repro']));
  succeeded(await rig.lockstep(['push']));
  const old = outOf(rig.read('pipeline.lock'));
  rig.write('in.txt', 'new\n');
  succeeded(await rig.lockstep(['repro']));
  const lock = rig.read('pipeline.lock');
  rig.write(
    'pipeline.lock',
    lock.replace(/^ {4}outs:\n(?:.*\n)*/m, (outs) => outs.replace(outOf(lock), old)),
  );
  rig.write('pipeline.yaml', yaml(true));
  for (const name of ['.lockstep', 'out.txt']) rig.remove(name);
  succeeded(await rig.lockstep(['repro', '--pull']));
  assert.equal(rig.read('out.txt'), 'old\n');
  rig.write('pipeline.yaml', yaml(false));
  succeeded(await rig.lockstep(['repro']));
  assert.equal(rig.read('out.txt'), 'new\n');
});
