import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import test from 'node:test';
import { cloneOf, git, putCommand, shellEnv, succeeded } from './projects.ts';
import { createRig } from '../rig.ts';
import type { Rig } from '../rig.ts';

const PIPELINE = `data: [in put.txt]
stages:
  copy: { cmd: cat "in put.txt" > "out put.txt", deps: [in put.txt], outs: [out put.txt] }
  cook:
    foreach: [M&M]
    do: { cmd: 'echo 1 > "\${item}.txt"', outs: ["\${item}.txt"] }
  parts: { cmd: echo 1 > "all parts/1.txt"; echo 2 > "all parts/2.txt", outs: [all parts/] }
`;

async function createProject(): Promise<Rig> {
  const rig = createRig({
    'pipeline.yaml': PIPELINE,
    'in put.txt': 'in\n',
    'remotes.yaml': 'remotes:\n  origin: { url: remote }\n',
  });
  succeeded(await rig.lockstep(['repro']));
  return withShell(rig);
}

/** Puts what a shell finds as "lockstep" beside a project, and a folder to stand in. */
function withShell(rig: Rig): Rig {
  putCommand(rig);
  mkdirSync(rig.path('sub'));
  return rig;
}

/** Pastes the first command of a text that begins so, in the folder where it was told. */
function paste(rig: Rig, text: string, start: string, folder = 'sub'): void {
  const command = [...text.matchAll(/"((?:git|lockstep|mkdir|rm|mv) [^"]*)"/g)]
    .map(([, words = '']) => words)
    .find((one) => one.startsWith(start));
  assert.ok(command !== undefined, text);
  const env = shellEnv(rig);
  const ran = spawnSync('sh', ['-c', command], { cwd: rig.path(folder), env, encoding: 'utf8' });
  assert.equal(ran.status, 0, `${command}\n${ran.stdout}${ran.stderr}`);
}

test('what verify says helps can be pasted, whatever a path holds and wherever it was told', async () => {
  const rig = await createProject();
  const verify = async (...words: readonly string[]): Promise<string> => {
    const { code, stderr } = await rig.lockstep(['verify', ...words], { cwd: 'sub' });
    assert.equal(code, 1, stderr);
    return stderr;
  };
  rig.remove('out put.txt');
  paste(rig, await verify(), 'lockstep checkout');
  assert.equal(rig.read('out put.txt'), 'in\n');

  succeeded(await rig.lockstep(['push']));
  for (const path of ['.lockstep/files', 'M&M.txt']) rig.remove(path);
  const lost = await verify('../M&M.txt');
  paste(rig, lost, 'lockstep repro');
  assert.equal(rig.read('M&M.txt'), '1\n');
  paste(rig, lost, 'lockstep pull');
  succeeded(await rig.lockstep(['verify', '../M&M.txt'], { cwd: 'sub' }));
});

test('what verify says of a remote that lacks something can be pasted', async () => {
  const rig = await createProject();
  succeeded(await rig.lockstep(['push']));
  const verify = async (): Promise<string> => {
    const { code, stderr } = await rig.lockstep(['verify', '--remote', 'origin'], { cwd: 'sub' });
    assert.equal(code, 1, stderr);
    return stderr;
  };
  rig.remove('remote/files');
  // One file that two paths are, another, and a folder.
  for (let told = 3; told > 0; told--) paste(rig, await verify(), 'lockstep push');
  succeeded(await rig.lockstep(['verify', '--remote', 'origin']));
});

test('what is said of a link or a file where an out belongs can be pasted', async () => {
  const rig = await createProject();
  const refused = async (code: string): Promise<string> => {
    const { stderr } = await rig.lockstep(['repro', '--force', 'parts'], { cwd: 'sub' });
    assert.match(stderr, new RegExp(`error\\[${code}\\]`));
    return stderr;
  };
  rig.remove('all parts');
  symlinkSync(rig.path('sub'), rig.path('all parts'));
  paste(rig, await refused('out.linked'), 'rm');
  assert.ok(existsSync(rig.path('sub')));
  rig.write('all parts', 'in the way\n');
  rig.write('pipeline.yaml', PIPELINE.replaceAll('all parts/', 'all parts/of it/'));
  paste(rig, await refused('out.blocked'), 'mv');
  assert.equal(rig.read('all parts.old'), 'in the way\n');
  succeeded(await rig.lockstep(['repro', 'parts']));
});

test('what is said of outs that git tracks can be pasted', async () => {
  const rig = await createProject();
  git(rig, 'init', '-q');
  git(rig, 'add', '-f', 'out put.txt');
  const refused = await rig.lockstep(['repro', '--force', 'copy'], { cwd: 'sub' });
  assert.match(refused.stderr, /^error\[out\.tracked\]/);
  paste(rig, refused.stderr, 'git rm');
  succeeded(await rig.lockstep(['repro', '--force', 'copy']));
  git(rig, 'add', '-f', 'out put.txt');
  const looked = await rig.lockstep(['doctor'], { cwd: 'sub' });
  paste(rig, looked.stdout, 'git rm');
  paste(rig, (await rig.lockstep(['doctor'], { cwd: 'sub' })).stdout, 'git add');
  assert.match((await rig.lockstep(['doctor'])).stdout, /git keeps pipeline\.lock\n(?:.*\n)*ok {4}outs/);
});

test('what is said of data and folders that are not here can be pasted', async () => {
  const rig = await createProject();
  succeeded(await rig.lockstep(['push']));
  const clone = withShell(cloneOf(rig, ['in put.txt', 'out put.txt', 'M&M.txt', 'all parts', 'bin', 'sub']));
  const lost = await clone.lockstep(['repro', 'copy'], { cwd: 'sub' });
  assert.match(lost.stderr, /^error\[data\.missing\]/);
  paste(clone, lost.stderr, 'lockstep pull');
  assert.equal(clone.read('in put.txt'), 'in\n');
  const part = succeeded(await clone.lockstep(['pull', '../all parts/1.txt'], { cwd: 'sub' }));
  const commit = await clone.lockstep(['commit', 'parts'], { cwd: 'sub' });
  assert.match(commit.stderr, /^error\[incomplete\.part\]/);
  paste(clone, commit.stderr, 'lockstep pull');
  assert.ok(existsSync(clone.path('all parts/2.txt')));
  clone.write('in put.txt', 'mine\n');
  const locked = await clone.lockstep(['repro', '--locked'], { cwd: 'sub' });
  assert.match(locked.stderr, /^error\[locked\.differs\]/);
  paste(clone, locked.stderr, 'lockstep checkout');
  assert.equal(clone.read('in put.txt'), 'in\n');
  clone.remove('all parts/2.txt');
  paste(clone, part.stdout, 'lockstep pull');
  assert.ok(existsSync(clone.path('all parts/2.txt')));
  clone.write('.lockstep/incomplete', 'damaged\n');
  const damaged = await clone.lockstep(['pull', '../all parts/1.txt'], { cwd: 'sub' });
  assert.match(damaged.stderr, /^error\[incomplete\.damaged\]/m);
  paste(clone, damaged.stderr, 'rm');
  paste(clone, damaged.stderr, 'lockstep pull');
});

test('what a push says of what is nowhere can be pasted', async () => {
  const rig = await createProject();
  for (const path of ['.lockstep/files', 'out put.txt']) rig.remove(path);
  const lacking = await rig.lockstep(['push', 'copy'], { cwd: 'sub' });
  assert.equal(lacking.code, 1);
  succeeded(await rig.lockstep(['repro', 'copy']));
  paste(rig, lacking.stderr, 'lockstep verify');
});

test('what is said of a lock from which a merge was half taken can be pasted in the merge', async () => {
  const rig = await createProject();
  git(rig, 'init', '-q', '-b', 'main');
  const commit = (): string =>
    git(rig, 'add', 'pipeline.lock') + git(rig, 'commit', '-q', '--allow-empty', '-m', 'x');
  commit();
  const record = async (text: string): Promise<void> => {
    rig.write('in put.txt', text);
    succeeded(await rig.lockstep(['repro']));
    commit();
  };
  git(rig, 'checkout', '-q', '-b', 'theirs');
  await record('theirs\n');
  git(rig, 'checkout', '-q', 'main');
  succeeded(await rig.lockstep(['checkout']));
  await record('ours\n');
  const ours = rig.read('pipeline.lock');
  assert.throws(() => git(rig, 'merge', '-q', 'theirs'));
  rig.write('pipeline.lock', rig.read('pipeline.lock').replaceAll(/^(<{7}|={7}|>{7}).*\n/gm, ''));
  for (const folder of ['.', 'sub']) {
    const refused = await rig.lockstep(['status'], { cwd: folder });
    assert.match(refused.stderr, /^error\[lock\.invalid\]/);
    assert.ok(
      (await rig.lockstep(['doctor'], { cwd: folder })).stdout.includes(
        /"git [^"]*"/.exec(refused.stderr)?.[0] ?? '',
      ),
    );
    paste(rig, refused.stderr, 'git checkout', folder);
    assert.equal(rig.read('pipeline.lock'), ours);
    rig.write('pipeline.lock', `${ours}x`);
  }
});

test('what is said of new files in folders that are replaced names them, and can be pasted', async () => {
  const rig = withShell(
    createRig({
      'pipeline.yaml':
        'data: [in dir]\nstages:\n  s: { cmd: ls "in dir" > out, deps: [in dir], outs: [out] }\n',
      'in dir/1': '1\n',
      'in dir/2': '2\n',
    }),
  );
  succeeded(await rig.lockstep(['repro']));
  const older = rig.read('pipeline.lock');
  rig.write('in dir/1', 'newer\n');
  succeeded(await rig.lockstep(['repro']));
  const newer = rig.read('pipeline.lock');
  rig.write('pipeline.lock', older);
  succeeded(await rig.lockstep(['checkout']));
  rig.write('in dir/sub dir/MINE.csv', 'mine\n');
  rig.write('pipeline.lock', newer);
  const { stderr } = succeeded(await rig.lockstep(['checkout'], { cwd: 'sub' }));
  assert.match(
    stderr,
    /^warning\[out\.kept\]: "in dir" had content that was recorded nowhere: sub dir\/MINE\.csv; it is kept in the cache as sha256:\w{8}\n = hint: bring it back with "mkdir [^"]*"; until "lockstep gc --delete"\n$/,
  );
  assert.ok(!existsSync(rig.path('in dir/sub dir')));
  paste(rig, stderr, 'mkdir');
  assert.equal(rig.read('in dir/sub dir/MINE.csv'), 'mine\n');
  assert.equal(rig.read('in dir/1'), 'newer\n');
  assert.equal(statSync(rig.path('in dir/sub dir/MINE.csv')).mode & 0o200, 0o200);
});

test('of many new files the first are named with what brings them back, and a file lists the others', async () => {
  const rig = await createProject();
  for (const name of ['3', '4', '5', '6', '7']) rig.write(`all parts/${name}`, `${name}\n`);
  const { stderr } = succeeded(await rig.lockstep(['checkout']));
  assert.match(stderr, /recorded nowhere: 3, 4, 5, and 2 more; it is kept in the cache/);
  assert.deepEqual(
    [...stderr.matchAll(/"rm -f 'all parts\/(.)' && cp [^"]*"/g)].map(([, name]) => name),
    ['3', '4', '5'],
  );
  paste(rig, stderr, 'rm', '.');
  assert.equal(rig.read('all parts/3'), '3\n');
  const list = /(\S+) lists the other 2 files with their hashes/.exec(stderr)?.[1] ?? '';
  assert.match(readFileSync(list, 'utf8'), /"relpath": "7"/);
});

test('a folder with a known file under a new name is told with it, one that only lacks files without a word', async () => {
  const rig = await createProject();
  rig.write('all parts/copy', '1\n');
  assert.match((await rig.lockstep(['checkout'])).stderr, /recorded nowhere: copy; it is kept/);
  rig.remove('all parts/2.txt');
  assert.equal(succeeded(await rig.lockstep(['checkout'])).stderr, '');
  assert.equal(rig.read('all parts/2.txt'), '2\n');
});
