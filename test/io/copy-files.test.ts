import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hashBytes } from '../../src/base/hash.ts';
import type { ContentHash } from '../../src/base/types.ts';
import type { SizedObject } from '../../src/base/remote.ts';
import { copyByThreads } from '../../src/io/copy-files.ts';
import type { Copied } from '../../src/io/copy-files.ts';
import { COPY_BYTES } from '../../src/io/copy-small.ts';
import { tempFolder } from '../record/rig.ts';

interface Place {
  readonly objects: readonly SizedObject[];
  /** The files, in the order of the objects; all texts differ. */
  readonly files: readonly string[];
  readonly fileOf: (hash: ContentHash) => string;
  /** Where the copy of each object goes: a file of the same name. */
  readonly tempFor: (hash: ContentHash) => string;
  readonly out: string;
  readonly copied: Copied<SizedObject>[];
}

function place(texts: readonly (string | Buffer)[]): Place {
  const [root, out] = [tempFolder(), tempFolder()];
  const names = new Map<ContentHash, string>();
  const objects = texts.map((text, index): SizedObject => {
    const hash = hashBytes('sha256', text);
    names.set(hash, `${index}`);
    writeFileSync(join(root, `${index}`), text);
    return { hash, size: Buffer.byteLength(text) };
  });
  const fileOf = (hash: ContentHash): string => join(root, names.get(hash) ?? '');
  const tempFor = (hash: ContentHash): string => join(out, names.get(hash) ?? '');
  return { objects, files: objects.map(({ hash }) => fileOf(hash)), fileOf, tempFor, out, copied: [] };
}

function copyAll({ objects, fileOf, tempFor, copied }: Place, threads: number): Promise<void> {
  const { signal } = new AbortController();
  return copyByThreads(objects, {
    threads,
    signal,
    rights: 'public',
    fileOf: ({ hash }) => fileOf(hash),
    targetOf: ({ hash }) => tempFor(hash),
    copied: async (some) => void copied.push(...some),
  });
}

test('hundreds of files are copied, read-only and of their own inode, and each is told of once', async () => {
  const texts = Array.from({ length: 600 }, (_, index) => `text ${index} `.repeat(1 + (index % 7)));
  const here = place([...texts, Buffer.alloc(COPY_BYTES, 7)]);
  const { copied, fileOf } = here;
  await copyAll(here, 2);
  assert.equal(new Set(copied.map(({ of }) => of.hash)).size, 601);
  assert.equal(copied.length, 601);
  for (const { of, copy } of copied) {
    const file = fileOf(of.hash);
    assert.ok(readFileSync(copy).equals(readFileSync(file)));
    const { mode, ino } = statSync(copy);
    assert.equal(mode & 0o777, 0o444);
    assert.notEqual(ino, statSync(file).ino);
  }
});

const TEXTS = ['gone', 'longer', 'shorter', 'other', 'right', ''];

test('files that are gone, longer, shorter or other than their hash are left out, and leave nothing', async () => {
  const here = place(TEXTS);
  const { files, out, copied } = here;
  const [gone = '', longer = '', shorter = '', other = ''] = files;
  rmSync(gone);
  writeFileSync(longer, 'longer!');
  writeFileSync(shorter, 'short');
  writeFileSync(other, 'otter');
  await copyAll(here, 1);
  assert.deepEqual(
    copied.map(({ of }) => of.hash),
    [hashBytes('sha256', 'right'), hashBytes('sha256', '')],
  );
  assert.deepEqual(readdirSync(out).sort(), ['4', '5']);
});

test('a name that is taken is left alone', async () => {
  const here = place(['new']);
  const { out, copied } = here;
  writeFileSync(join(out, '0'), 'old');
  await copyAll(here, 1);
  assert.deepEqual(copied, []);
  assert.equal(readFileSync(join(out, '0'), 'utf8'), 'old');
});

test('an abort or a failure ends it; all that was copied until then was told', async () => {
  const texts = Array.from({ length: 600 }, (_, index) => `text ${index}`);
  for (const end of ['abort', 'failure'] as const) {
    const { objects, out, copied, fileOf, tempFor } = place(texts);
    const stop = new AbortController();
    const copying = copyByThreads(objects, {
      threads: 2,
      signal: stop.signal,
      rights: 'file',
      fileOf: ({ hash }) => fileOf(hash),
      targetOf: ({ hash }) => tempFor(hash),
      async copied(some) {
        copied.push(...some);
        if (end === 'failure') throw new Error('enough');
        stop.abort(new Error('enough'));
      },
    });
    await assert.rejects(copying, /enough/);
    assert.ok(copied.length < 600);
    assert.deepEqual(readdirSync(out).sort(), copied.map(({ copy }) => copy.slice(out.length + 1)).sort());
    assert.ok(copied.every(({ copy }) => existsSync(copy)));
  }
});
