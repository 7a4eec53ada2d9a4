import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { hashBytes } from '../../src/base/hash.ts';
import type { LocalObject } from '../../src/base/remote.ts';
import { COPY_BYTES } from '../../src/io/copy-files.ts';
import type { CopiedObject } from '../../src/io/copy-files.ts';
import { copyWithWorkers } from '../../src/io/copy-workers.ts';

interface Place {
  readonly objects: readonly LocalObject[];
  readonly out: string;
  readonly copied: CopiedObject[];
}

function place(t: TestContext, texts: readonly (string | Buffer)[]): Place {
  const root = mkdtempSync(join(tmpdir(), 'lockstep-copy-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const objects = texts.map((text, index): LocalObject => {
    const file = join(root, `${index}`);
    writeFileSync(file, text);
    return { hash: hashBytes('sha256', text), file, size: Buffer.byteLength(text) };
  });
  return { objects, out: mkdtempSync(join(root, 'out-')), copied: [] };
}

/** Where the copy of each object goes: a file of the same name. */
const tempFor =
  (out: string) =>
  ({ file }: LocalObject): string =>
    join(out, file.slice(file.lastIndexOf('/') + 1));

test('hundreds of files are copied, read-only and of their own inode, and each is told of once', async (t) => {
  const texts = Array.from({ length: 600 }, (_, index) => `text ${index} `.repeat(index % 7));
  const { objects, out, copied } = place(t, [...texts, Buffer.alloc(COPY_BYTES, 7)]);
  await copyWithWorkers(objects, {
    threads: 2,
    signal: new AbortController().signal,
    tempFor: tempFor(out),
    copied: async (some) => void copied.push(...some),
  });
  assert.equal(new Set(copied.map(({ file }) => file)).size, 601);
  assert.equal(copied.length, 601);
  for (const { file, temp } of copied) {
    assert.ok(readFileSync(temp).equals(readFileSync(file)));
    const { mode, ino } = statSync(temp);
    assert.equal(mode & 0o777, 0o444);
    assert.notEqual(ino, statSync(file).ino);
  }
});

test('files that are gone, longer, shorter or other than their hash are left out, and leave nothing', async (t) => {
  const { objects, out, copied } = place(t, ['gone', 'longer', 'shorter', 'other', 'right', '']);
  const [gone = '', longer = '', shorter = '', other = '', right = '', empty = ''] = objects.map(
    ({ file }) => file,
  );
  rmSync(gone);
  writeFileSync(longer, 'longer!');
  writeFileSync(shorter, 'short');
  writeFileSync(other, 'otter');
  await copyWithWorkers(objects, {
    threads: 1,
    signal: new AbortController().signal,
    tempFor: tempFor(out),
    copied: async (some) => void copied.push(...some),
  });
  assert.deepEqual(
    copied.map(({ file }) => file),
    [right, empty],
  );
  assert.deepEqual(readdirSync(out).sort(), ['4', '5']);
});

test('a name that is taken is left alone', async (t) => {
  const { objects, out, copied } = place(t, ['new']);
  writeFileSync(join(out, '0'), 'old');
  await copyWithWorkers(objects, {
    threads: 1,
    signal: new AbortController().signal,
    tempFor: tempFor(out),
    copied: async (some) => void copied.push(...some),
  });
  assert.deepEqual(copied, []);
  assert.equal(readFileSync(join(out, '0'), 'utf8'), 'old');
});

test('an abort or a failure ends it; all that was copied until then was told', async (t) => {
  const texts = Array.from({ length: 600 }, (_, index) => `text ${index}`);
  for (const end of ['abort', 'failure'] as const) {
    const { objects, out, copied } = place(t, texts);
    const stop = new AbortController();
    const copying = copyWithWorkers(objects, {
      threads: 2,
      signal: stop.signal,
      tempFor: tempFor(out),
      async copied(some) {
        copied.push(...some);
        if (end === 'failure') throw new Error('enough');
        stop.abort(new Error('enough'));
      },
    });
    await assert.rejects(copying, /enough/);
    assert.ok(copied.length < 600);
    assert.deepEqual(readdirSync(out).sort(), copied.map(({ temp }) => temp.slice(out.length + 1)).sort());
    assert.ok(copied.every(({ temp }) => existsSync(temp)));
  }
});
