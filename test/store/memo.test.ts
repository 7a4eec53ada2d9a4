import assert from 'node:assert/strict';
import { chmodSync, linkSync, lstatSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ContentHash } from '../../src/base/types.ts';
import { readSealed, writeSealed } from '../../src/io/sealed.ts';
import { createMemo } from '../../src/store/memo.ts';
import { tempFolder } from '../record/rig.ts';

const NOW = Date.parse('2026-03-16T12:00:00Z');
const HASH: ContentHash = `sha256:${'ab'.repeat(32)}`;
const OTHER: ContentHash = `sha256:${'cd'.repeat(32)}`;
const MD5: ContentHash = `md5:${'ef'.repeat(16)}`;
/** On a file system that keeps inode numbers, as far as this one does. */
const HERE = (): string => import.meta.filename;
const OLD = { seenAt: NOW, object: false };

/** A stat of a regular file that last changed an hour before it was seen. */
function statOf(more: Partial<Stats> = {}): Stats {
  const changed = NOW - 3_600_000;
  return { dev: 1, ino: 2, size: 3, mtimeMs: changed, ctimeMs: changed, mode: 0o100644, ...more } as Stats;
}

const memoAt = (path = join(tempFolder(), 'memo'), now = NOW): ReturnType<typeof createMemo> =>
  createMemo(path, now);

test('a file that looks as it did is known', () => {
  const memo = memoAt();
  assert.equal(memo.lookup(HERE, statOf(), 'sha256'), undefined);
  memo.remember(HERE, statOf(), HASH, OLD);
  assert.equal(memo.lookup(HERE, statOf(), 'sha256'), HASH);
  assert.equal(memo.isVerifiedObject(HERE, statOf(), HASH), false);
});

for (const [what, more] of [
  ['size', { size: 4 }],
  ['mtime', { mtimeMs: NOW - 3_599_999.5 }],
  ['ctime', { ctimeMs: NOW - 1_000_000 }],
  ['mode', { mode: 0o100755 }],
  ['inode', { ino: 3 }],
  ['device', { dev: 2 }],
] as const) {
  test(`another ${what} makes a file unknown`, () => {
    const memo = memoAt();
    memo.remember(HERE, statOf(), HASH, OLD);
    assert.equal(memo.lookup(HERE, statOf(more), 'sha256'), undefined);
  });
}

test('a file changed within 20 ms of its hashing is not believed, one changed before is', () => {
  for (const [changed, known] of [
    [NOW, false],
    [NOW - 20, false],
    [NOW - 20.5, true],
  ] as const) {
    for (const times of [{ mtimeMs: changed }, { ctimeMs: changed }]) {
      const memo = memoAt();
      memo.remember(HERE, statOf(times), HASH, OLD);
      assert.equal(
        memo.lookup(HERE, statOf(times), 'sha256') !== undefined,
        known,
        `changed at ${changed - NOW}`,
      );
    }
  }
});

test('a file whose mtime is to come is known, unless its ctime is, too', () => {
  const future = NOW + 1000.5;
  for (const [more, known] of [
    [{ mtimeMs: future }, true],
    [{ mtimeMs: future, ctimeMs: NOW - 10.5 }, false],
    // The clock of a file server is ahead.
    [{ mtimeMs: future, ctimeMs: future }, false],
  ] as const) {
    const memo = memoAt();
    memo.remember(HERE, statOf(more), HASH, OLD);
    assert.equal(memo.lookup(HERE, statOf(more), 'sha256') !== undefined, known);
  }
});

test('a file whose times are whole seconds must have been quiet for two of them: some file systems keep no more', () => {
  const SECOND = Math.floor(NOW / 1000) * 1000;
  for (const [seenAfter, more, known] of [
    [999, {}, false],
    [2000, {}, false],
    [2021, {}, true],
    // An unpacked archive: only what its times were there is cut.
    [999, { ctimeMs: SECOND + 0.5 }, true],
  ] as const) {
    const memo = memoAt();
    const stat = statOf({ mtimeMs: SECOND, ctimeMs: SECOND, ...more });
    memo.remember(HERE, stat, HASH, { seenAt: SECOND + seenAfter, object: false });
    assert.equal(memo.lookup(HERE, stat, 'sha256') !== undefined, known, `seen after ${seenAfter} ms`);
  }
});

test('a verified object is known whatever its ctime, as long as it is read-only', () => {
  const memo = memoAt();
  const stat = statOf({ mode: 0o100444 });
  memo.remember(HERE, stat, HASH, { seenAt: NOW, object: true });
  assert.equal(memo.isVerifiedObject(HERE, statOf({ mode: 0o100444, ctimeMs: NOW + 5 }), HASH), true);
  assert.equal(memo.isVerifiedObject(HERE, statOf({ mode: 0o100444 }), OTHER), false);
  assert.equal(memo.isVerifiedObject(HERE, statOf({ mode: 0o100644 }), HASH), false);
  assert.equal(memo.isVerifiedObject(HERE, statOf({ mode: 0o100444, mtimeMs: NOW }), HASH), false);
  assert.equal(memo.lookup(HERE, statOf({ mode: 0o100444, ctimeMs: NOW + 5 }), 'sha256'), HASH);
});

test('a writable object has no exception', () => {
  const memo = memoAt();
  memo.remember(HERE, statOf(), HASH, { seenAt: NOW, object: true });
  assert.equal(memo.lookup(HERE, statOf({ ctimeMs: NOW + 5 }), 'sha256'), undefined);
});

/** Such numbers are made up when a file is asked for, as on FAT and most of what is mounted through FUSE; or nobody can say. */
const ELSEWHERE = process.platform === 'linux' ? '/proc/self/stat' : '/nowhere/at/all';

for (const [what, folder, ino] of [
  ['was made up', ELSEWHERE, 2],
  ['is beyond what a number holds', import.meta.dirname, 2 ** 53],
] as const) {
  test(`where an inode's number ${what} a file is known by its path as well`, () => {
    const memo = memoAt();
    const [one, other] = [(): string => `${folder}/one`, (): string => `${folder}/other`];
    const stat = statOf({ ino });
    memo.remember(one, stat, HASH, OLD);
    assert.equal(memo.lookup(one, stat, 'sha256'), HASH);
    assert.equal(memo.lookup(one, statOf({ ino: 3 }), 'sha256'), undefined, 'another file by now');
    assert.equal(memo.lookup(other, stat, 'sha256'), undefined, 'another file with the same number');
    assert.equal(memo.isAsHashed(other, stat, HASH), false);
    memo.remember(other, stat, OTHER, OLD);
    assert.deepEqual([memo.lookup(one, stat, 'sha256'), memo.lookup(other, stat, 'sha256')], [HASH, OTHER]);
  });
}

test('hardlinked twins share what is known, and an edit of one is an edit of both', () => {
  const root = tempFolder();
  const [a, b] = [join(root, 'a'), join(root, 'b')];
  writeFileSync(a, 'text');
  chmodSync(a, 0o444);
  linkSync(a, b);
  const memo = memoAt();
  memo.remember(HERE, lstatSync(a), HASH, { seenAt: Date.now(), object: true });
  assert.equal(memo.lookup(HERE, lstatSync(b), 'sha256'), HASH);
  chmodSync(b, 0o644);
  writeFileSync(b, 'TEXT');
  chmodSync(b, 0o444);
  utimesSync(b, 1, 1);
  assert.equal(memo.lookup(HERE, lstatSync(a), 'sha256'), undefined);
});

test('an inode that is used again is another file', () => {
  const memo = memoAt();
  memo.remember(HERE, statOf(), HASH, OLD);
  const again = statOf({ mtimeMs: NOW - 60_000, ctimeMs: NOW - 60_000 });
  assert.equal(memo.lookup(HERE, again, 'sha256'), undefined);
  memo.remember(HERE, again, OTHER, OLD);
  assert.equal(memo.lookup(HERE, again, 'sha256'), OTHER);
  assert.equal(memo.lookup(HERE, statOf(), 'sha256'), undefined);
});

test('a hash of one algorithm is no answer for another', () => {
  const memo = memoAt();
  memo.remember(HERE, statOf(), MD5, OLD);
  assert.equal(memo.lookup(HERE, statOf(), 'sha256'), undefined);
  assert.equal(memo.lookup(HERE, statOf(), 'md5'), MD5);
  memo.remember(HERE, statOf(), HASH, OLD);
  assert.equal(memo.lookup(HERE, statOf(), 'md5'), undefined);
});

test('a digest is written in the digits that its algorithm has, and beside them nothing', () => {
  for (const hash of [HASH, MD5]) {
    const [algorithm = '', digest = ''] = hash.split(':');
    const memo = memoAt();
    memo.remember(HERE, statOf(), hash, OLD);
    const target = Buffer.alloc(80, '.');
    memo.writeDigest(memo.find(HERE, statOf(), algorithm as 'sha256' | 'md5'), target, 4);
    assert.equal(target.toString('latin1'), `....${digest}`.padEnd(80, '.'));
  }
});

test('what was hashed is told from what was touched since', () => {
  const memo = memoAt();
  memo.remember(HERE, statOf(), HASH, OLD);
  assert.equal(memo.isAsHashed(HERE, statOf({ ctimeMs: NOW, mode: 0o100444 }), HASH), true);
  assert.equal(memo.isAsHashed(HERE, statOf({ mtimeMs: NOW }), HASH), false);
  assert.equal(memo.isAsHashed(HERE, statOf({ size: 9 }), HASH), false);
  assert.equal(memo.isAsHashed(HERE, statOf(), OTHER), false);
  assert.equal(memo.isAsHashed(HERE, statOf({ ino: 77 }), HASH), false);
});

test('thousands of rows survive being saved, and rows unused for a month are let go', () => {
  const path = join(tempFolder(), 'memo');
  const memo = memoAt(path);
  const hashOf = (i: number): ContentHash => `sha256:${i.toString(16).padStart(64, '0')}`;
  for (let i = 0; i < 3000; i++) memo.remember(HERE, statOf({ ino: i + 10 }), hashOf(i), OLD);
  memo.remember(HERE, statOf({ ino: 5 }), MD5, OLD);
  memo.save();
  const later = memoAt(path, NOW + 29 * 86_400_000);
  for (let i = 0; i < 3000; i++)
    assert.equal(later.lookup(HERE, statOf({ ino: i + 10 }), 'sha256'), hashOf(i));
  assert.equal(later.lookup(HERE, statOf({ ino: 5 }), 'sha256'), undefined);
  later.remember(HERE, statOf({ ino: 9999 }), HASH, OLD);
  later.save();
  const last = memoAt(path, NOW + 31 * 86_400_000);
  assert.equal(last.lookup(HERE, statOf({ ino: 10 }), 'sha256'), hashOf(0));
  last.remember(HERE, statOf({ ino: 10_000 }), HASH, OLD);
  last.save();
  const much = memoAt(path, NOW + 62 * 86_400_000);
  much.remember(HERE, statOf({ ino: 10_001 }), HASH, OLD);
  much.save();
  const end = memoAt(path, NOW + 62 * 86_400_000);
  assert.equal(end.lookup(HERE, statOf({ ino: 10 }), 'sha256'), undefined);
  assert.equal(end.lookup(HERE, statOf({ ino: 10_001 }), 'sha256'), HASH);
});

test('however many rows there are, each is found again when it was saved, once and twice', () => {
  for (const count of [1, 2, 126, 127, 128, 129, 255, 256, 511, 512, 1000]) {
    const path = join(tempFolder(), 'memo');
    const hashOf = (i: number): ContentHash => `sha256:${i.toString(16).padStart(64, '0')}`;
    const first = memoAt(path);
    for (let i = 0; i < count; i++) first.remember(HERE, statOf({ ino: i * 64 + 1 }), hashOf(i), OLD);
    first.save();
    const second = memoAt(path);
    second.remember(HERE, statOf({ ino: 2 }), OTHER, OLD);
    second.save();
    const third = memoAt(path);
    for (const memo of [second, third]) {
      for (let i = 0; i < count; i++)
        assert.equal(memo.lookup(HERE, statOf({ ino: i * 64 + 1 }), 'sha256'), hashOf(i), `${i} of ${count}`);
      assert.equal(memo.lookup(HERE, statOf({ ino: 2 }), 'sha256'), OTHER);
      assert.equal(memo.lookup(HERE, statOf({ ino: 3 }), 'sha256'), undefined);
    }
  }
});

test('an object that came anew takes the row of the one that was there before; of files, and of what is used, none is lost', () => {
  const path = join(tempFolder(), 'memo');
  const object = { seenAt: NOW, object: true };
  const readOnly = (ino: number): Stats => statOf({ ino, mode: 0o100444 });
  const first = memoAt(path);
  first.remember(HERE, readOnly(10), HASH, object);
  first.remember(HERE, readOnly(11), OTHER, object);
  first.remember(HERE, statOf({ ino: 12 }), HASH, OLD);
  first.save();
  const second = memoAt(path, NOW + 1000);
  second.remember(HERE, readOnly(20), HASH, object);
  // A copy of the other one, which stays where it is.
  second.remember(HERE, statOf({ ino: 22 }), OTHER, OLD);
  second.save();
  const third = memoAt(path, NOW + 2000);
  const known = [10, 11, 20].filter((ino) => third.lookup(HERE, readOnly(ino), 'sha256') !== undefined);
  assert.deepEqual(known, [11, 20]);
  assert.equal(third.lookup(HERE, statOf({ ino: 12 }), 'sha256'), HASH);
  // An out is another name of the first one.
  third.remember(HERE, readOnly(21), OTHER, object);
  third.save();
  const fourth = memoAt(path, NOW + 3000);
  assert.equal(fourth.lookup(HERE, readOnly(11), 'sha256'), OTHER);
  fourth.forget(HERE, { dev: 1, ino: 11 });
  fourth.forget(HERE, { dev: 1, ino: 999 });
  fourth.save();
  const last = memoAt(path, NOW + 4000);
  assert.equal(last.lookup(HERE, readOnly(11), 'sha256'), undefined);
  assert.equal(last.lookup(HERE, readOnly(21), 'sha256'), OTHER);
});

test('a look at all lets go of files that it did not meet, beyond twice as many as it met and some thousands', () => {
  const path = join(tempFolder(), 'memo');
  const at = (minute: number): ReturnType<typeof createMemo> => memoAt(path, NOW + minute * 60_000);
  const remember = (memo: ReturnType<typeof createMemo>, from: number, count: number): void => {
    for (let ino = from; ino < from + count; ino++) memo.remember(HERE, statOf({ ino }), HASH, OLD);
  };
  const isKnown = (ino: number): boolean =>
    memoAt(path).lookup(HERE, statOf({ ino }), 'sha256') !== undefined;
  // A folder of 6,000 files is made anew each minute, on a file system that never uses an inode again.
  const object = statOf({ ino: 1, mode: 0o100444 });
  for (let minute = 0; minute < 5; minute++) {
    const memo = at(minute);
    if (minute === 0) memo.remember(HERE, object, HASH, { seenAt: NOW, object: true });
    remember(memo, 1_000_000 * (minute + 1), 6000);
    memo.save();
  }
  assert.ok(
    [1, 2, 3, 4, 5].every((time) => isKnown(time * 1_000_000)),
    'who looks at a part lets go of nothing',
  );
  // A look at all that meets only the newest, and remembers nothing.
  const all = at(5);
  all.lookAtAll();
  for (let ino = 5_000_000; ino < 5_006_000; ino++) all.lookup(HERE, statOf({ ino }), 'sha256');
  all.save();
  assert.deepEqual(
    [1, 2, 3, 4, 5].map((time) => isKnown(time * 1_000_000)),
    [false, false, true, true, true],
  );
  assert.equal(memoAt(path).isVerifiedObject(HERE, object, HASH), true, 'objects are met when they are used');
  const size = readFileSync(path).length;
  const again = at(6);
  again.lookAtAll();
  for (let ino = 5_000_000; ino < 5_006_000; ino++) again.lookup(HERE, statOf({ ino }), 'sha256');
  again.save();
  assert.equal(readFileSync(path).length, size);
});

test('a memo with any one byte changed, cut off or added, or of another format, is as if it were not there', () => {
  const path = join(tempFolder(), 'memo');
  const memo = memoAt(path);
  memo.remember(HERE, statOf(), HASH, OLD);
  memo.remember(HERE, statOf({ ino: 3 }), MD5, OLD);
  memo.save();
  const good = readFileSync(path);
  assert.equal(memoAt(path).lookup(HERE, statOf(), 'sha256'), HASH);
  const damaged = [...good.keys()].map((at) => {
    const bytes = Buffer.from(good);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    return bytes;
  });
  const data = readSealed(path) ?? Buffer.alloc(0);
  const other = Buffer.from(data);
  other.writeUInt32LE(2);
  const sealed = [other, data.subarray(0, 8)].map((bytes) => {
    writeSealed(path, bytes);
    return readFileSync(path);
  });
  for (const bytes of [
    ...damaged,
    ...sealed,
    good.subarray(0, -1),
    good.subarray(1),
    Buffer.concat([good, good]),
    Buffer.alloc(0),
  ]) {
    writeFileSync(path, bytes);
    const read = memoAt(path);
    assert.equal(read.lookup(HERE, statOf(), 'sha256'), undefined);
    assert.equal(read.lookup(HERE, statOf({ ino: 3 }), 'md5'), undefined);
  }
});
