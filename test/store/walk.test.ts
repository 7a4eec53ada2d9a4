import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { walk } from '../../src/store/walk.ts';
import type { LinkPolicy } from '../../src/store/walk.ts';
import { tempFolder } from '../record/rig.ts';

function folder(): string {
  const root = realpathSync(tempFolder());
  mkdirSync(join(root, 'out'));
  return root;
}

const names = (root: string, path: string, links: LinkPolicy = 'refuse'): readonly string[] => {
  const found: string[] = [];
  const isThere = walk(root, path, { links, visit: (prefix, name) => void found.push(prefix + name) });
  return isThere ? found : ['missing'];
};

const refused = (root: string, code: string, links: LinkPolicy = 'refuse'): void => {
  assert.throws(() => names(root, 'out', links), { code });
};

test('files of a folder come sorted by code point, empty folders are nothing', () => {
  const root = folder();
  mkdirSync(join(root, 'out/a'));
  mkdirSync(join(root, 'out/empty'));
  for (const name of ['a/b', 'a-1', 'a0', 'B', '\uFF21', '\u{1F600}'])
    writeFileSync(join(root, 'out', name), name);
  assert.deepEqual(names(root, 'out'), ['B', 'a-1', 'a/b', 'a0', '\uFF21', '\u{1F600}']);
});

test('nothing, a path below a file, and a single file are told apart', () => {
  const root = folder();
  writeFileSync(join(root, 'file'), 'x');
  assert.deepEqual(names(root, 'nowhere'), ['missing']);
  assert.deepEqual(names(root, 'file/below'), ['missing']);
  assert.deepEqual(names(root, 'file'), ['']);
});

for (const [name, ofDep] of [
  ['back\\slash', true],
  ['C:drive', true],
  ['.git', false],
  ['.Lockstep', true],
] as const) {
  test(`an out that holds "${name}" is refused, because no checkout could make it again`, () => {
    const root = folder();
    writeFileSync(join(root, 'out', name), 'x');
    refused(root, 'path.name');
    assert.deepEqual(names(root, 'out', 'follow'), ofDep ? [name] : []);
  });
}

test('a name that is no UTF-8 is refused', () => {
  const root = folder();
  writeFileSync(Buffer.concat([Buffer.from(`${root}/out/`), Buffer.from([0xff, 0x41])]), 'x');
  refused(root, 'path.not-utf8');
  refused(root, 'path.not-utf8', 'follow');
});

test('links are refused in outs; in deps they are followed as far as the project goes', () => {
  const root = folder();
  writeFileSync(join(root, 'plain.txt'), 'x');
  symlinkSync('../plain.txt', join(root, 'out/link'));
  refused(root, 'path.special');
  assert.deepEqual(names(root, 'out', 'follow'), ['link']);
  rmSync(join(root, 'out/link'));
  for (const target of ['/etc/hostname', '..', 'nowhere', 'link']) {
    symlinkSync(target, join(root, 'out/link'));
    refused(root, 'path.special');
    refused(root, 'path.special', 'follow');
    rmSync(join(root, 'out/link'));
  }
});

test('links between folders that never end are refused at once, however many there are', () => {
  const root = folder();
  for (const name of ['a', 'b']) mkdirSync(join(root, 'out', name));
  for (let i = 0; i < 20; i++) {
    symlinkSync('../b', join(root, `out/a/to-b-${i}`));
    symlinkSync('../a', join(root, `out/b/to-a-${i}`));
  }
  refused(root, 'path.special', 'follow');
});

test('a .gitignore is content of an out, but not of a dep', () => {
  const root = folder();
  mkdirSync(join(root, 'out/sub'));
  for (const name of ['.gitignore', 'sub/.gitignore', 'x']) writeFileSync(join(root, 'out', name), 'x');
  assert.deepEqual(names(root, 'out'), ['.gitignore', 'sub/.gitignore', 'x']);
  assert.deepEqual(names(root, 'out', 'follow'), ['x']);
});

test('what git and lockstep keep of a clone or a project inside of a dep is no content of it', () => {
  const root = folder();
  for (const name of ['sub/.git/index', 'sub/.lockstep/memo', 'module/.git', 'module/.github', 'x']) {
    mkdirSync(dirname(join(root, 'out', name)), { recursive: true });
    writeFileSync(join(root, 'out', name), 'x');
  }
  assert.deepEqual(names(root, 'out', 'follow'), ['module/.github', 'x']);
  refused(root, 'path.name');
});

test('one folder may be linked to twice', () => {
  const root = folder();
  mkdirSync(join(root, 'shared'));
  writeFileSync(join(root, 'shared/x'), 'x');
  for (const name of ['one', 'two']) symlinkSync('../shared', join(root, 'out', name));
  assert.deepEqual(names(root, 'out', 'follow'), ['one/x', 'two/x']);
});

test('a FIFO and a socket are refused by name and never opened', async () => {
  const root = folder();
  execFileSync('mkfifo', [join(root, 'out/fifo')]);
  refused(root, 'path.special');
  refused(root, 'path.special', 'follow');
  rmSync(join(root, 'out/fifo'));
  const server = createServer().listen(join(root, 'out/socket'));
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    refused(root, 'path.special');
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});
