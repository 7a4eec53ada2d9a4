import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  existsSync,
  chmodSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { PipelineError } from '../../src/base/error.ts';
import { hashBytes, objectPath } from '../../src/base/hash.ts';
import type { Body, Remote } from '../../src/base/remote.ts';
import { folderFault } from '../../src/remotes/folder-fault.ts';
import openFolder from '../../src/remotes/folder.ts';
import { bodyOf, configOf, keyOf, listAll, seededBytes } from './bodies.ts';
import { remoteContract } from './contract.ts';
import { open, openRaw } from './open.ts';

const { signal } = new AbortController();

function tempFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-folder-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

remoteContract('folder', {
  async place(t) {
    const config = configOf(join(tempFolder(t), 'remote'));
    return { open: () => open(config), openRaw: () => openRaw(openFolder, config) };
  },
});

function fileBody(file: string, bytes: Uint8Array): Body {
  writeFileSync(file, bytes);
  return {
    size: bytes.length,
    file,
    hash: hashBytes('sha256', bytes),
    open: () => assert.fail('the file is faster'),
  };
}

for (const size of [0, 100, 5 * 1024 * 1024]) {
  test(`a file of ${size} bytes is copied: read-only, of its own inode`, async (t) => {
    const folder = tempFolder(t);
    const bytes = seededBytes(size, 3);
    const file = join(folder, 'source');
    const remote = await open(configOf(join(folder, 'remote')));
    await remote.put(keyOf(bytes), fileBody(file, bytes), signal);
    await remote.flush?.(signal);
    const target = join(folder, 'remote', keyOf(bytes));
    const stat = statSync(target);
    assert.equal(stat.mode & 0o777, 0o444);
    assert.notEqual(stat.ino, statSync(file).ino);
    assert.equal(stat.nlink, 1);
    assert.equal(stat.size, size);
    const source = await remote.get(keyOf(bytes), signal);
    assert.equal('file' in source && source.file, target);
  });

  test(`an object of ${size} bytes has the mode of objects whatever the umask`, async (t) => {
    const before = process.umask(0o077);
    t.after(() => process.umask(before));
    const folder = tempFolder(t);
    const bytes = seededBytes(size, 3);
    const remote = await open(configOf(folder));
    await remote.put('from/file', fileBody(join(folder, 'source'), bytes), signal);
    await remote.put('from/stream', bodyOf(bytes), signal);
    await remote.flush?.(signal);
    for (const name of ['from/file', 'from/stream'])
      assert.equal(statSync(join(folder, name)).mode & 0o777, 0o444, name);
  });

  test(`a file of ${size} bytes that changed before it was sent is refused, and leaves nothing`, async (t) => {
    const folder = tempFolder(t);
    const bytes = seededBytes(size, 5);
    const file = join(folder, 'source');
    const body = fileBody(file, bytes);
    const remote = await open(configOf(join(folder, 'remote')));
    const changes = [Buffer.concat([bytes, Buffer.from('!')]), bytes.subarray(1), Buffer.from(bytes).fill(7)];
    for (const changed of changes.filter((change) => !change.equals(bytes))) {
      writeFileSync(file, changed);
      await assert.rejects(remote.put(keyOf(bytes), body, signal), { code: 'transfer.changed' });
    }
    const unreadable = { code: 'transfer.changed', message: /^"[^"]*source" .* it cannot be read \(E/ };
    rmSync(file);
    await assert.rejects(remote.put(keyOf(bytes), body, signal), unreadable);
    // It opens, as on a failing disk, and cannot be read then.
    mkdirSync(file);
    await assert.rejects(remote.put(keyOf(bytes), body, signal), unreadable);
    await remote.flush?.(signal);
    assert.deepEqual(incomingOf(join(folder, 'remote')), []);
    assert.deepEqual(await listAll(remote, '', signal), []);
  });
}

test('more files than a batch holds are all there after one flush', async (t) => {
  const folder = tempFolder(t);
  const remote = await open(configOf(folder));
  const keys = Array.from({ length: 4500 }, (_, i) => `files/${i % 16}/${i}`);
  await Promise.all(keys.map((key) => remote.put(key, bodyOf(Buffer.from(key)), signal)));
  await remote.flush?.(signal);
  assert.deepEqual(await listAll(remote, '', signal), keys.map((key) => `${key} ${key.length}`).sort());
});

test('a folder whose parent is missing is told with what to do, by reads and by writes', async (t) => {
  const config = configOf(join(tempFolder(t), 'not', 'there'));
  const remote = await open(config);
  const told = { code: 'remote.unreachable', exit: 1 };
  await assert.rejects(remote.head('a', signal), told);
  await assert.rejects(remote.get('a', signal), told);
  await assert.rejects(listAll(remote, '', signal), told);
  await assert.rejects(remote.put('a', bodyOf(Buffer.from('x')), signal), {
    ...told,
    message: `remote "test": there is no folder "${config.url}"`,
  });
  assert.equal(existsSync(config.url), false);
});

test('what cannot be written is told before anything is promised', async (t) => {
  const folder = tempFolder(t);
  writeFileSync(join(folder, 'files'), 'a file where a folder has to be');
  const remote = await open(configOf(folder));
  await remote.put('files/a', bodyOf(Buffer.from('x')), signal);
  await assert.rejects(async () => remote.flush?.(signal), { code: /^remote\./, exit: 1 });
  // A flush that failed once stays failed: what it was to make durable is lost.
  await assert.rejects(async () => remote.flush?.(signal), { code: /^remote\./ });
});

test(
  'a folder without the right to write is denied',
  { skip: process.getuid?.() === 0 && 'root may write everywhere' },
  async (t) => {
    const folder = tempFolder(t);
    chmodSync(folder, 0o555);
    const remote = await open(configOf(folder));
    await assert.rejects(remote.put('a', bodyOf(Buffer.from('x')), signal), { code: 'remote.denied' });
  },
);

test('every error of a file system has a code, and a failing disk alone is worth another try', () => {
  const fault = (code: string): unknown =>
    folderFault(configOf('/mnt/x'), Object.assign(new Error(code), { code, path: '/mnt/x/a' }));
  const table: readonly (readonly [string, string, boolean])[] = [
    ['ENOENT', 'remote.unreachable', false],
    ['EACCES', 'remote.denied', false],
    ['EPERM', 'remote.denied', false],
    ['EROFS', 'remote.denied', false],
    ['ENOSPC', 'remote.full', false],
    ['EDQUOT', 'remote.full', false],
    ['ENAMETOOLONG', 'remote.denied', false],
    ['EMFILE', 'remote.unreachable', true],
    ['EIO', 'remote.unreachable', true],
    ['ESTALE', 'remote.unreachable', true],
  ];
  for (const [code, wanted, retryable] of table) {
    const error = fault(code);
    assert.ok(error instanceof PipelineError);
    assert.deepEqual([error.code, error.retryable, error.exit], [wanted, retryable, 1], code);
  }
  const bug = new TypeError('ours');
  assert.equal(folderFault(configOf('/mnt/x'), bug), bug);
});

test('old temp files of dead processes are swept; young ones and those of the living stay', async (t) => {
  const folder = tempFolder(t);
  const incoming = join(folder, '.incoming');
  mkdirSync(incoming);
  const dead = '.4194305-1.0.tmp';
  const young = '.4194305-1.1.tmp';
  const foreign = 'notes.txt';
  mkdirSync(join(incoming, '3'));
  const deep = '3/.4194305-1.2.tmp';
  const many = '.4194305-1.3.tmp';
  mkdirSync(join(incoming, many, 'ab'), { recursive: true });
  for (const name of [dead, young, foreign, deep, `${many}/ab/cd`]) writeFileSync(join(incoming, name), 'x');
  for (const name of [dead, foreign, deep, many]) utimesSync(join(incoming, name), 1, 1);
  const remote: Remote = await open(configOf(folder));
  await remote.put('a', bodyOf(Buffer.from('x')), signal);
  await remote.flush?.(signal);
  assert.deepEqual(incomingOf(folder), [young, foreign]);
  assert.deepEqual(await listAll(remote, '', signal), ['a 1']);
});

test('closing drops what was not flushed', async (t) => {
  const folder = tempFolder(t);
  const remote = await open(configOf(folder));
  await remote.put('a', bodyOf(Buffer.from('x')), signal);
  await remote.close?.();
  assert.deepEqual(incomingOf(folder), []);
  assert.equal(existsSync(join(folder, 'a')), false);
});

test('a folder that cannot be listed is told as a fault of the remote', async (t) => {
  const remote = await openRaw(openFolder, configOf(tempFolder(t)));
  const isDenied = (error: unknown): boolean =>
    error instanceof PipelineError && error.code === 'remote.denied';
  // No file system takes a name of 300 bytes.
  await assert.rejects(listAll(remote, `${'x'.repeat(300)}/`, signal), isDenied);
});

test('a folder that goes away is a share that was unmounted, not one that never had anything', async (t) => {
  const root = join(tempFolder(t), 'lockstep');
  const remote: Remote = await open(configOf(root));
  const hash = hashBytes('sha256', 'x');
  const look = (): unknown => remote.sizesOf?.([hash]);
  assert.deepEqual(look(), new Map());
  mkdirSync(root);
  assert.deepEqual(look(), new Map());
  rmSync(root, { recursive: true });
  assert.throws(look, { code: 'remote.unreachable' });
  await assert.rejects(async () => remote.get(objectPath(hash), signal), { code: 'remote.unreachable' });
});

/** Files of a remote that have no names yet. */
function incomingOf(remote: string): readonly string[] {
  const entries = readdirSync(join(remote, '.incoming'), { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) => (entry.isFile() ? [entry.name] : [])).sort();
}
