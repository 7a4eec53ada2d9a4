import assert from 'node:assert/strict';
import fs, { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, test } from 'node:test';
import { syncPath } from '../../src/io/files.ts';
import { flush, flushAcross } from '../../src/io/flush.ts';

const SHM = '/dev/shm';
/** More than are flushed one by one. */
const MANY = 20;

function folderIn(parent: string): string {
  const folder = mkdtempSync(join(parent, 'lockstep-flush-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function filesIn(folder: string, count = MANY): readonly string[] {
  return Array.from({ length: count }, (_, index) => {
    const file = join(folder, String(index));
    writeFileSync(file, 'text');
    return file;
  });
}

/** A `sync` that only writes down which file it was called for; gives what was written down and removes it. */
function watchSync(exitCode = 0): () => readonly string[] {
  const folder = folderIn(tmpdir());
  const log = join(folder, 'log');
  mkdirSync(join(folder, 'bin'));
  const script = `#!/bin/sh\necho "$*" >> '${log}'\nexit ${exitCode}\n`;
  writeFileSync(join(folder, 'bin/sync'), script, { mode: 0o755 });
  const path = process.env['PATH'] ?? '';
  process.env['PATH'] = `${join(folder, 'bin')}${delimiter}${path}`;
  after(() => (process.env['PATH'] = path));
  return () => {
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    rmSync(log);
    return lines;
  };
}

test('many files of several file systems are flushed on each of them', async (t) => {
  if (process.platform !== 'linux') return t.skip('only Linux flushes a whole file system');
  const here = folderIn(tmpdir());
  const other = lstatSync(SHM, { throwIfNoEntry: false })?.dev;
  if (other === undefined || other === lstatSync(here).dev) return t.skip('there is no second device');
  const calls = watchSync();
  const [own, foreign] = [filesIn(here), filesIn(folderIn(SHM))];
  await flushAcross([...own, ...foreign]);
  assert.deepEqual(calls(), [`-f ${own[0]}`, `-f ${foreign[0]}`]);
  await flush(own);
  assert.deepEqual(calls(), [`-f ${own[0]}`]);
});

test('once a whole file system could not be flushed each file is, and one that is gone is told', async (t) => {
  const files = filesIn(folderIn(tmpdir()), 70);
  const calls = watchSync(1);
  const flushed = t.mock.method(fs, 'fsync');
  syncBuiltinESMExports();
  t.after(() => (flushed.mock.restore(), syncBuiltinESMExports()));
  await flush(files);
  assert.equal(flushed.mock.callCount(), files.length);
  await flush(files);
  assert.equal(flushed.mock.callCount(), 2 * files.length);
  if (process.platform === 'linux') assert.equal(calls().length, 1);
  await assert.rejects(flush([...files, `${files[0]} gone`]), { code: 'ENOENT' });
});

test('a flush that fails is told, but for one that a file system has not', async (t) => {
  const [file = ''] = filesIn(folderIn(tmpdir()));
  for (const [code, isTold] of [
    ['EIO', true],
    ['ENOSPC', true],
    ['EINVAL', false],
    ['ENOTSUP', false],
  ] as const) {
    const error = Object.assign(new Error(`${code}: injected`), { code, syscall: 'fsync' });
    const mocks = [
      t.mock.method(fs, 'fsync', (_: number, done: (error: Error) => void) => done(error)),
      t.mock.method(fs, 'fsyncSync', () => {
        throw error;
      }),
    ];
    syncBuiltinESMExports();
    const flushes = [flush([file]), Promise.resolve().then(() => syncPath(file))];
    const ends = await Promise.allSettled(flushes);
    for (const { mock } of mocks) mock.restore();
    syncBuiltinESMExports();
    assert.deepEqual(
      ends.map((end) => end.status === 'rejected' && end.reason),
      isTold ? [error, error] : [false, false],
      code,
    );
  }
});
