import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createClock } from '../../src/io/clock.ts';
import { createMemo } from '../../src/store/memo.ts';
import { createProjectFiles } from '../../src/store/project-files.ts';
import type { ProjectFiles } from '../../src/store/project-files.ts';
import { tempFolder } from '../record/rig.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const LATER = Date.now() + 3_600_000;

/** The same memo over several commands, hashed at the given time. */
function commandsOf(root: string, nowMs = LATER): () => ProjectFiles {
  const memo = createMemo(join(root, 'memo'), nowMs);
  return () => createProjectFiles({ root, memo, clock: createClock(nowMs) });
}

test('a file has the hash of its bytes, a missing one has none', () => {
  const root = tempFolder();
  writeFileSync(join(root, 'a.yaml'), 'a: 1\n');
  const files = commandsOf(root)();
  assert.equal(files.hashOf('a.yaml'), sha256('a: 1\n'));
  assert.equal(files.hashOf('b.yaml'), null);
  assert.equal(files.load('b.yaml'), undefined);
});

test('the hash of a changed file is the new one, of equal size too', () => {
  const root = tempFolder();
  const path = join(root, 'a.yaml');
  const open = commandsOf(root);
  writeFileSync(path, 'a: 1\n');
  utimesSync(path, 1000, 1000);
  assert.equal(open().hashOf('a.yaml'), sha256('a: 1\n'));
  writeFileSync(path, 'a: 2\n');
  utimesSync(path, 1000, 1001);
  assert.equal(open().hashOf('a.yaml'), sha256('a: 2\n'));
});

test('within one command a file stays what it was when it was first asked for', () => {
  const root = tempFolder();
  writeFileSync(join(root, 'a.yaml'), 'a: 1\n');
  const files = commandsOf(root)();
  const before = files.hashOf('a.yaml');
  assert.equal(Buffer.from(files.load('a.yaml') ?? []).toString(), 'a: 1\n');
  writeFileSync(join(root, 'a.yaml'), 'a: 22\n');
  assert.equal(files.hashOf('a.yaml'), before);
  assert.equal(Buffer.from(files.load('a.yaml') ?? []).toString(), 'a: 1\n');
});

test('a file that was replaced after it was read has the hash of what was read, and no later command believes it', () => {
  const root = tempFolder();
  const path = join(root, 'a.yaml');
  const open = commandsOf(root);
  writeFileSync(path, 'a: 1\n');
  const files = open();
  files.load('a.yaml');
  writeFileSync(path, 'a: 2\n');
  assert.equal(files.hashOf('a.yaml'), sha256('a: 1\n'));
  assert.equal(open().hashOf('a.yaml'), sha256('a: 2\n'));
  // By then it is known what the new bytes hash to.
  const late = open();
  late.load('a.yaml');
  writeFileSync(path, 'a: 3\n');
  open().hashOf('a.yaml');
  assert.equal(late.hashOf('a.yaml'), sha256('a: 2\n'));
});

test('a file that was young when it was hashed is hashed again', () => {
  const root = tempFolder();
  const path = join(root, 'a.yaml');
  writeFileSync(path, 'a: 1\n');
  const { ctimeMs } = statSync(path);
  const memo = createMemo(join(root, 'memo'), ctimeMs);
  const open = (): ProjectFiles => createProjectFiles({ root, memo, clock: createClock(ctimeMs + 1) });
  open().hashOf('a.yaml');
  // What another write within the same tick of the file system's clock would leave.
  memo.remember(() => path, statSync(path), `sha256:${'0'.repeat(64)}`, {
    seenAt: ctimeMs + 1,
    object: false,
  });
  assert.equal(open().hashOf('a.yaml'), sha256('a: 1\n'));
  memo.remember(() => path, statSync(path), `sha256:${'0'.repeat(64)}`, { seenAt: LATER, object: false });
  assert.equal(open().hashOf('a.yaml'), '0'.repeat(64));
});
