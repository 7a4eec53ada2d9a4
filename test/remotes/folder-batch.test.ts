import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createFolderBatch } from '../../src/remotes/folder-batch.ts';

test('what was put gets its name with a flush, or when half a minute of work waits for one', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'lockstep-batch-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  let nowMs = 0;
  const batch = createFolderBatch(root, (error) => error, { now: () => nowMs });
  const add = async (name: string): Promise<string> => {
    const temp = join(root, `${name}.temp`);
    writeFileSync(temp, name);
    const target = join(root, 'files', name);
    await batch.add([{ temp, target, size: name.length }]);
    return target;
  };
  const first = await add('a');
  nowMs = 29_999;
  const second = await add('b');
  assert.ok(!existsSync(first) && !existsSync(second));
  nowMs = 30_000;
  const third = await add('c');
  const fourth = await add('d');
  // It counts from the first of each batch: the fourth waits on.
  await batch.close();
  assert.ok(existsSync(first) && existsSync(second) && existsSync(third));
  assert.ok(!existsSync(fourth) && !existsSync(join(root, 'd.temp')));
});
