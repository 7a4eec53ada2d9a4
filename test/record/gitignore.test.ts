import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ignorePaths } from '../../src/record/gitignore.ts';
import { tempFolder } from './rig.ts';

function repository(): string {
  const root = tempFolder();
  execFileSync('git', ['init', '-q', root]);
  return root;
}

function write(root: string, path: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), '');
}

/** What git itself says. */
function isIgnored(root: string, path: string): boolean {
  const { status } = spawnSync('git', ['check-ignore', '-q', '--no-index', '--', path], { cwd: root });
  assert.ok(status === 0 || status === 1, `git says ${status}`);
  return status === 0;
}

const NAMES: readonly (readonly [name: string, others: readonly string[]])[] = [
  ['model.bin', ['sub/model.bin', 'model-bin', 'model.bin2']],
  ['a*b', ['aXb', 'ab']],
  ['a?b', ['aXb']],
  ['[abc]', ['a', 'b']],
  ['#comment', ['comment']],
  ['!not', ['not']],
  ['back\\slash', ['backslash']],
  ['blank at the end ', ['blank at the end']],
  ['two blanks  ', ['two blanks', 'two blanks ']],
  ['tab\t', ['tab']],
  [' blank first', ['blank first']],
  ['line\nend', ['line', 'end', 'line\nends']],
  ['ünï', ['uni']],
  ['{a,b}', ['a', 'b']],
  ['**', ['a', 'sub/a']],
];

for (const [name, others] of NAMES) {
  test(`${JSON.stringify(name)} is ignored, and nothing else`, () => {
    const root = repository();
    for (const path of [name, ...others]) write(root, path);
    assert.deepEqual(ignorePaths(root, [name]), ['.gitignore']);
    assert.ok(isIgnored(root, name));
    assert.deepEqual(
      others.filter((path) => isIgnored(root, path)),
      [],
    );
  });
}

test('a folder is ignored with all in it, from the .gitignore beside it', () => {
  const root = repository();
  for (const path of ['data/raw/x.csv', 'data/raw.csv', 'data/sub/raw/y', 'raw/z']) write(root, path);
  assert.deepEqual(ignorePaths(root, ['data/raw']), ['data/.gitignore']);
  assert.equal(readFileSync(join(root, 'data/.gitignore'), 'utf8'), '/raw\n');
  assert.deepEqual(
    ['data/raw/x.csv', 'data/raw.csv', 'data/sub/raw/y', 'raw/z'].map((path) => isIgnored(root, path)),
    [true, false, false, false],
  );
});

test('what stands in the file stays, and nothing is written twice', () => {
  const root = repository();
  writeFileSync(join(root, '.gitignore'), '# mine\r\nnode_modules\r\n/b/');
  assert.deepEqual(ignorePaths(root, ['c', 'a', 'b']), ['.gitignore']);
  assert.equal(readFileSync(join(root, '.gitignore'), 'utf8'), '# mine\r\nnode_modules\r\n/b/\n/a\n/c\n');
  assert.deepEqual(ignorePaths(root, ['a', 'b', 'c']), []);
  writeFileSync(join(root, '.gitignore'), '/a\r\n/b\r\n');
  assert.deepEqual(ignorePaths(root, ['a', 'b']), []);
});

test('a file that ends its last line gets no empty one', () => {
  const root = repository();
  writeFileSync(join(root, '.gitignore'), '/a\n');
  ignorePaths(root, ['b']);
  assert.equal(readFileSync(join(root, '.gitignore'), 'utf8'), '/a\n/b\n');
});

test('nothing is written through a link to a folder, nor below a file', () => {
  const [root, elsewhere] = [repository(), repository()];
  symlinkSync(elsewhere, join(root, 'data'));
  write(root, 'file');
  assert.deepEqual(ignorePaths(root, ['data/raw', 'file/raw']), []);
  assert.ok(!existsSync(join(elsewhere, '.gitignore')));
});
