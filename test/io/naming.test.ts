import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { createNaming } from '../../src/io/naming.ts';
import type { Waiting } from '../../src/io/naming.ts';
import { tempFolder } from '../record/rig.ts';

const noFolder = (): string => assert.fail('none was asked for');

test('a file gets its name with a flush, or when half a minute of work waits for one', async () => {
  const root = tempFolder();
  let nowMs = 0;
  const told: string[] = [];
  const naming = createNaming({
    root,
    clock: { now: () => nowMs },
    newFolder: noFolder,
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
    newFolder: noFolder,
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
  const naming = createNaming({ root, clock: { now: () => 0 }, newFolder: noFolder });
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
  const naming = createNaming({ root, clock: { now: () => 0 }, newFolder: noFolder });
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

interface Files {
  readonly root: string;
  readonly naming: ReturnType<typeof createNaming>;
  /** Asks for a place, and writes there. */
  readonly write: (name: string) => Waiting;
}

function placedFiles(): Files {
  const root = tempFolder();
  const newFolder = (): string => mkdtempSync(join(root, 'waiting-'));
  const naming = createNaming({ root, clock: { now: () => 0 }, newFolder });
  const write = (name: string): Waiting => {
    const target = join(root, name);
    const temp = naming.placeOf(target);
    mkdirSync(dirname(temp), { recursive: true });
    writeFileSync(temp, name);
    return { temp, target, size: name.length };
  };
  return { root, naming, write };
}

const inodeOf = (path: string): number => statSync(path).ino;

test('files that wait for a new folder get their names together, and no folder of theirs is left', async () => {
  const { root, naming, write } = placedFiles();
  const files = ['files/ab/1', 'files/ab/2', 'files/cd/1'].map(write);
  const waiting = files.map(({ temp }) => inodeOf(dirname(temp)));
  await naming.add(files);
  await naming.flush();
  assert.deepEqual(
    files.map(({ target }) => inodeOf(dirname(target))),
    waiting,
  );
  await naming.close();
  assert.deepEqual(readdirSync(root), ['files']);
});

const OTHERS: Readonly<Record<string, (files: Files) => Promise<void> | void>> = {
  'whose folder is there': ({ root }) => {
    mkdirSync(join(root, 'files/ab'), { recursive: true });
    writeFileSync(join(root, 'files/ab/other'), '');
  },
  'one of which failed, and left half of it': ({ write }) => {
    write('files/ab/half');
  },
  'beside what nobody knows of': ({ root }) => {
    const [folder = ''] = readdirSync(root).filter((name) => name.startsWith('waiting-'));
    writeFileSync(join(root, folder, 'ab/strange'), '');
  },
  'one of which came another way': async ({ root, naming }) => {
    writeFileSync(join(root, 'temp'), 'other');
    await naming.add([{ temp: join(root, 'temp'), target: join(root, 'files/ab/other'), size: 5 }]);
  },
};

for (const [which, act] of Object.entries(OTHERS))
  test(`files ${which} get their names one by one, and nothing else gets one`, async () => {
    const files = placedFiles();
    const { root, naming, write } = files;
    const some = ['files/ab/1', 'files/ab/2'].map(write);
    await act(files);
    await naming.add(some);
    await naming.flush();
    await naming.close();
    const expected = which.includes('half') || which.includes('nobody') ? ['1', '2'] : ['1', '2', 'other'];
    assert.deepEqual(readdirSync(join(root, 'files/ab')).sort(), expected);
    assert.deepEqual(readdirSync(root), ['files']);
  });

test('a file that went away is told, though its folder holds as many as it should', async () => {
  const { naming, write } = placedFiles();
  // Of so many none is flushed by itself, where a whole file system can be.
  const files = Array.from({ length: 20 }, (_, index) => write(`files/ab/${index}`));
  const gone = files.at(-1);
  assert.ok(gone);
  renameSync(gone.temp, join(dirname(gone.temp), 'strange'));
  await naming.add(files);
  await assert.rejects(naming.flush(), { code: 'ENOENT' });
  await naming.close();
  assert.ok(!existsSync(join(dirname(gone.target), 'strange')));
});

test('what is still being written when a batch gets its names goes with the next', async () => {
  const { root, naming, write } = placedFiles();
  const first = write('files/ab/1');
  const second = write('files/ab/2');
  await naming.add([{ ...first, size: 2 ** 28 }]);
  // Of the next batch, and yet from the folder of the one before.
  await naming.add([second, write('files/ab/3')]);
  await naming.flush();
  await naming.close();
  assert.deepEqual(readdirSync(join(root, 'files/ab')).sort(), ['1', '2', '3']);
});

test('a folder to which a file is still to come is not named whole, though nothing of it is there yet', async () => {
  const { root, naming, write } = placedFiles();
  const first = write('files/ab/1');
  const second = {
    temp: naming.placeOf(join(root, 'files/ab/2')),
    target: join(root, 'files/ab/2'),
    size: 1,
  };
  await naming.add([{ ...first, size: 2 ** 28 }]);
  await naming.flush();
  writeFileSync(second.temp, '2');
  assert.deepEqual(readdirSync(join(root, 'files/ab')), ['1']);
  await naming.add([second]);
  await naming.flush();
  await naming.close();
  assert.deepEqual(readdirSync(join(root, 'files/ab')).sort(), ['1', '2']);
});
