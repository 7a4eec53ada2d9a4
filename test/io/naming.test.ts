import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { createNaming } from '../../src/io/naming.ts';
import { tempFolder } from '../record/rig.ts';

test('a file gets its name with a flush, or when half a minute of work waits for one', async () => {
  const root = tempFolder();
  let nowMs = 0;
  const told: string[] = [];
  const naming = createNaming({
    root,
    clock: { now: () => nowMs },
    named: (some) => told.push(...some.map(({ target }) => target)),
  });
  const add = async (name: string): Promise<string> => {
    const temp = join(root, `${name}.temp`);
    writeFileSync(temp, name);
    const target = join(root, 'files', name);
    await naming.add([{ temp, target, size: name.length }]);
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
  await naming.close();
  assert.ok(existsSync(first) && existsSync(second) && existsSync(third));
  assert.ok(!existsSync(fourth) && !existsSync(join(root, 'd.temp')));
  assert.deepEqual(told, [first, second, third]);
});

test('what comes while one batch is flushed goes together with the next', async () => {
  const root = tempFolder();
  const batches: string[][] = [];
  const naming = createNaming({
    root,
    clock: { now: () => 0 },
    named: (some) => batches.push(some.map(({ target }) => basename(target))),
  });
  const add = (name: string, mib: number): Promise<void> => {
    const temp = join(root, `${name}.temp`);
    writeFileSync(temp, name);
    return naming.add([{ temp, target: join(root, name), size: mib * 1024 * 1024 }]);
  };
  await add('a', 128);
  await add('b', 128);
  await add('c', 128);
  assert.deepEqual(batches, []);
  // That is more than may wait: whoever brings it waits for the first batch.
  await add('d', 256);
  assert.deepEqual(batches, [['a']]);
  await naming.flush();
  assert.deepEqual(
    batches.filter(({ length }) => length > 0),
    [['a'], ['b', 'c', 'd']],
  );
  assert.ok(['a', 'b', 'c', 'd'].every((name) => existsSync(join(root, name))));
});

test('a temp file that cannot be removed hides neither the failure nor the others', async () => {
  const root = tempFolder();
  writeFileSync(join(root, 'files'), 'a file where a folder has to be');
  const naming = createNaming({ root, clock: { now: () => 0 } });
  const add = async (): Promise<string> => {
    const stuck = mkdtempSync(join(root, 'stuck-'));
    const temp = `${stuck}.temp`;
    writeFileSync(temp, '');
    await naming.add([stuck, temp].map((one) => ({ temp: one, target: join(root, 'files/a'), size: 0 })));
    return temp;
  };
  const inBatch = await add();
  await assert.rejects(naming.flush(), { code: /^(EEXIST|ENOTDIR)$/ });
  const waiting = await add();
  await naming.close();
  assert.ok(!existsSync(inBatch) && !existsSync(waiting));
});

test('folders below the root are made, the root itself never is', async () => {
  const folder = tempFolder();
  const root = join(folder, 'share');
  mkdirSync(root);
  const naming = createNaming({ root, clock: { now: () => 0 } });
  const add = async (name: string): Promise<void> => {
    const temp = join(folder, 'temp');
    writeFileSync(temp, name);
    await naming.add([{ temp, target: join(root, name), size: name.length }]);
  };
  mkdirSync(join(root, 'files'));
  await add('files/ab/c');
  await naming.flush();
  assert.ok(existsSync(join(root, 'files/ab/c')));
  rmSync(root, { recursive: true });
  await add('other/d');
  await assert.rejects(naming.flush(), { code: 'ENOENT' });
  assert.ok(!existsSync(root));
});
