import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hashFiles } from '../../src/store/hash-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'lockstep-hash-'));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const [count, where] of [
  [20, 'one after the other'],
  [9000, 'in threads'],
] as const) {
  test(`${count} files are hashed in their order, ${where}; what cannot be read is an error at its place`, async () => {
    const files = Array.from({ length: count }, (_, index) => {
      const path = join(folder, `${count}-${index}`);
      const text = 'x'.repeat(index % 700);
      if (index !== 7) writeFileSync(path, text);
      return { path, size: text.length, text };
    });
    for (const algorithm of ['sha256', 'md5'] as const) {
      const found = await hashFiles(files, algorithm);
      assert.equal(found.length, count);
      for (const [index, { text }] of files.entries()) {
        const hash = found[index];
        if (index === 7) assert.equal((hash as NodeJS.ErrnoException).code, 'ENOENT');
        else assert.equal(hash, `${algorithm}:${createHash(algorithm).update(text).digest('hex')}`);
      }
    }
  });
}
