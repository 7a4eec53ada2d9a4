import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import test from 'node:test';
import { createRig } from '../rig.ts';
import { FILES, succeeded } from './projects.ts';

test('the first remote becomes the default one, a later one with --default, and the list says which', async () => {
  const rig = createRig(FILES);
  assert.equal(
    (await rig.lockstep(['remote', 'list'])).stdout,
    'This project has no remote; add one with "lockstep remote add NAME URL".\n',
  );
  const first = succeeded(await rig.lockstep(['remote', 'add', 'nas', '/mnt/nas/demo']));
  assert.equal(first.stdout, 'Added the remote "nas" to remotes.yaml.\n');
  succeeded(await rig.lockstep(['remote', 'add', 'storage', 'gs://bucket/demo']));
  assert.equal(
    (await rig.lockstep(['remote'])).stdout,
    'nas      /mnt/nas/demo  (default)\nstorage  gs://bucket/demo\n',
  );
  succeeded(await rig.lockstep(['remote', 'add', 'third', 's3://bucket/demo', '--default']));
  assert.match(rig.read('remotes.yaml'), /^default: third$/m);
});

test('adding keeps comments and everything else of the file', async () => {
  const before =
    '# Who may write: the data team.\ndefault: nas # on site\nremotes:\n  nas:\n    url: /mnt/nas # 10 TB\n    jobs: 2\n';
  const rig = createRig({ ...FILES, 'remotes.yaml': before });
  succeeded(await rig.lockstep(['remote', 'add', 'storage', 'gs://bucket/demo']));
  assert.equal(rig.read('remotes.yaml'), `${before}  storage:\n    url: gs://bucket/demo\n`);
});

test('a name that is taken is refused, and replaced with --force', async () => {
  const rig = createRig({ ...FILES, 'remotes.yaml': 'remotes:\n  nas:\n    url: /mnt/nas\n' });
  const ran = await rig.lockstep(['remote', 'add', 'nas', '/mnt/other']);
  assert.equal(ran.code, 2);
  assert.equal(
    ran.stderr,
    'error[remote.exists]: there is a remote "nas" already\n = hint: replace it with --force\n',
  );
  succeeded(await rig.lockstep(['remote', 'add', 'nas', '/mnt/other', '--force']));
  assert.match(rig.read('remotes.yaml'), /url: \/mnt\/other/);
});

test('a url or a name that cannot be, or missing words, leave no file behind', async () => {
  const rig = createRig(FILES);
  for (const [words, text] of [
    [
      ['x', 'gss://bucket/a'],
      /^error\[remotes\.scheme\]: no remote is known for "gss:"\n = hint: did you mean "gs:\/\/"\?\n$/,
    ],
    [['x', 'gs://'], /^error\[remotes\.url\]/],
    [['a b', '/mnt/nas'], /^error\[remotes\.name\]: "a b" is no name for a remote\n/],
    [['x', ''], /^error\[cli\.arguments\]: an empty word is given/],
    [['x', 'azure://box/team/../shared'], /^error\[remote\.option\]: remote "x": the url goes by "\.\."/],
    [['x', 's3://bucket/./b'], /^error\[remote\.option\]: remote "x": the url goes by "\."/],
    [['x', 'parts/store'], /^error\[remote\.option\]: remote "x": its folder lies in "parts"\n/],
    [['x', '.'], /^error\[remote\.option\]: remote "x": its folder is the project itself\n/],
    [['x', 'https://user:secret@host/a'], /^error\[remotes\.literal-secret\]/],
    [['x'], /^error\[cli\.arguments\]: "lockstep remote add" takes a name and a url\n/],
    [['x', '/a', '/b'], /^error\[cli\.arguments\]/],
  ] as const) {
    const ran = await rig.lockstep(['remote', 'add', ...words]);
    assert.equal(ran.code, 2, words.join(' '));
    assert.match(ran.stderr, text);
    assert.ok(!ran.stderr.includes('-->'), 'no place in a file that was never written');
    assert.ok(!existsSync(rig.path('remotes.yaml')));
  }
});

test('a folder named from below the root is written as seen from the root', async () => {
  const rig = createRig({ ...FILES, 'deep/note.txt': '' });
  succeeded(await rig.lockstep(['remote', 'add', 'near', '../../store'], { cwd: 'deep' }));
  assert.match(rig.read('remotes.yaml'), /url: \.\.\/store\n/);
  for (const url of ['', '../parts']) {
    const refused = await rig.lockstep(['remote', 'add', 'other', url], { cwd: 'deep' });
    assert.match(refused.stderr, /^error\[(cli\.arguments|remote\.option)\]/, refused.stdout);
  }
});

test('a broken remotes.yaml is told and not written over', async () => {
  const rig = createRig({ ...FILES, 'remotes.yaml': 'remotse: {}\n' });
  const ran = await rig.lockstep(['remote', 'add', 'x', '/mnt/nas']);
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /remotes\.yaml:1:1[\s\S]*did you mean "remotes"\?/);
  assert.equal(rig.read('remotes.yaml'), 'remotse: {}\n');
});

test('a remote is added to whatever file can be read, and one that others are made of is not replaced', async () => {
  const twice = 'remotes:\n  a: { url: b }\n  c:\n    <<: { jobs: 2 }\n    <<: { url: x }\n';
  for (const text of ['', '~\n', 'null # none yet\n', twice]) {
    const rig = createRig({ 'pipeline.yaml': 'stages: {}\n', 'remotes.yaml': text });
    succeeded(await rig.lockstep(['remote', 'add', 'z', '../z']));
    assert.match(succeeded(await rig.lockstep(['remote', 'list'])).stdout, /^z {2}\.\.\/z/m);
  }
  const shared = 'remotes:\n  a: &a { url: b }\n  c: { <<: *a, jobs: 2 }\n';
  const rig = createRig({ 'pipeline.yaml': 'stages: {}\n', 'remotes.yaml': shared });
  const { code, stderr } = await rig.lockstep(['remote', 'add', '--force', 'a', '../z']);
  assert.equal(code, 2);
  assert.equal(
    stderr,
    'error[yaml.alias]: an alias elsewhere in remotes.yaml names what the remote "a" holds\n = hint: change "a" in the file itself\n',
  );
  assert.equal(rig.read('remotes.yaml'), shared);
});
