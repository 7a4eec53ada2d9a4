import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PipelineError } from '../../src/base/error.ts';
import type { Remote, TryAgain } from '../../src/base/remote.ts';
import openGdrive from '../../src/remotes/gdrive.ts';
import { bodyOf, keyOf, listAll, readAll, seededBytes } from './bodies.ts';
import { remoteContract } from './contract.ts';
import { rig } from './drive-rig.ts';
import type { FakeDrive } from './fake-drive.ts';
import { openRaw } from './open.ts';

const { signal } = new AbortController();
const MIB = 1024 * 1024;

const PAGE = 37;

remoteContract('gdrive', {
  // More pieces than two.
  largest: 20 * MIB,
  page: PAGE,
  async place(t) {
    const { config, open: openDecorated } = await rig(t, { pageSize: PAGE });
    return { open: openDecorated, openRaw: () => openRaw(openGdrive, config) };
  },
});

const tryTwice: TryAgain = (_, call) => call().catch(call);

/** `flush` waits until everybody sees what was put, and so does who opens: meanwhile each sees what it did itself. */
remoteContract('gdrive in a shared drive, at a hundred requests a second and with searches that lag,', {
  largest: 9 * MIB,
  page: PAGE,
  async place(t) {
    const lagMs = 60_000;
    const hostile = { perSecond: 100, pageSize: PAGE, cuts: 1, sharedDrive: 'member', lagMs } as const;
    const { fake, config, open: openDecorated } = await rig(t, hostile);
    const wait = (): Promise<void> => fake.clock.sleep(lagMs);
    const openLate = async (opening: () => Promise<Remote>): Promise<Remote> => {
      await wait();
      return { ...(await opening()), flush: wait };
    };
    return {
      open: () => openLate(openDecorated),
      openRaw: () => openLate(() => openRaw(openGdrive, config, tryTwice)),
    };
  },
});

/** The ids of the folders of a path in the fake. */
function folderIds(fake: FakeDrive, path: string): readonly string[] {
  let ids: readonly string[] = [fake.root];
  for (const name of path.split('/')) {
    ids = [...fake.files.values()]
      .filter((file) => file.name === name && file.parents.some((id) => ids.includes(id)))
      .map(({ id }) => id);
  }
  return ids;
}

test('of several files of one name everybody takes the one with the smallest id, and the next writer leaves one', async (t) => {
  const { fake, open } = await rig(t);
  const remote = await open();
  await remote.put('runs/other', bodyOf(Buffer.from('x')), signal);
  const [runs = ''] = folderIds(fake, 'some/path/runs');
  fake.add({ name: 'twin', parent: runs, bytes: Buffer.from('second'), id: 'b2' });
  fake.add({ name: 'twin', parent: runs, bytes: Buffer.from('first'), id: 'a1' });
  fake.add({ name: 'twin', parent: runs, bytes: Buffer.from('third!'), id: 'c3' });
  fake.add({ name: 'TWIN', parent: runs, bytes: Buffer.from('another name'), id: 'A0' });
  assert.equal((await readAll(await remote.get('runs/twin', signal))).toString(), 'first');
  assert.deepEqual(await listAll(await open(), 'runs/t', signal), ['runs/twin 5']);
  await remote.put('runs/twin', bodyOf(Buffer.from('new')), signal);
  assert.deepEqual(
    ['a1', 'b2', 'c3', 'A0'].map((id) => fake.files.get(id)?.trashed),
    [false, true, true, false],
  );
  assert.equal(fake.files.get('a1')?.bytes.toString(), 'new');
});

test('files are found in every folder of a path when two machines made the folder at once', async (t) => {
  const { fake, open } = await rig(t);
  const some = fake.add({ name: 'some', parent: fake.root });
  const paths = ['p1', 'p2'].map((id) => fake.add({ name: 'path', parent: some.id, id }));
  for (const [i, { id }] of paths.entries())
    fake.add({ name: `file${i}`, parent: id, bytes: Buffer.from(String(i)) });
  const remote = await open();
  assert.deepEqual(await listAll(remote, '', signal), ['file0 1', 'file1 1']);
  assert.equal((await readAll(await remote.get('file1', signal))).toString(), '1');
});

test('many uploads into a new folder make it once', async (t) => {
  const { fake, open } = await rig(t);
  const remote = await open();
  await Promise.all(
    Array.from({ length: 20 }, (_, i) => remote.put(`a/b/${i}`, bodyOf(Buffer.from('x')), signal)),
  );
  assert.equal(folderIds(fake, 'some/path/a/b').length, 1);
});

test('files in the trash do not count', async (t) => {
  const { fake, open } = await rig(t);
  const some = fake.add({ name: 'some', parent: fake.root });
  const path = fake.add({ name: 'path', parent: some.id });
  fake.add({ name: 'gone', parent: path.id, bytes: Buffer.from('x'), trashed: true });
  const remote = await open();
  assert.equal(await remote.head('gone', signal), undefined);
  assert.deepEqual(await listAll(remote, '', signal), []);
});

test('ten requests a second are enough, with waits between them', async (t) => {
  const { fake, open } = await rig(t, { perSecond: 10 });
  const remote = await open();
  const began = fake.clock.now();
  const all = Array.from({ length: 60 }, (_, i) => seededBytes(100 + i, i));
  await Promise.all(all.map((bytes) => remote.put(keyOf(bytes), bodyOf(bytes), signal)));
  assert.deepEqual(
    await listAll(remote, 'files/', signal),
    all.map((bytes) => `${keyOf(bytes)} ${bytes.length}`).sort(),
  );
  assert.ok(fake.requests.length > 120, `${fake.requests.length} requests`);
  assert.ok(fake.clock.now() - began >= 5000, 'the virtual clock must have moved');
});

test('refusals that pass are tried again and those that stay are told', async (t) => {
  const table: readonly (readonly [number, string, string, boolean])[] = [
    [403, 'userRateLimitExceeded', 'remote.quota', true],
    [403, 'rateLimitExceeded', 'remote.quota', true],
    [429, 'rateLimitExceeded', 'remote.quota', true],
    [500, 'backendError', 'remote.unreachable', true],
    [503, 'transientError', 'remote.unreachable', true],
    [403, 'dailyLimitExceeded', 'remote.quota', false],
    [403, 'storageQuotaExceeded', 'remote.full', false],
    [403, 'insufficientFilePermissions', 'remote.denied', false],
    [403, 'accessNotConfigured', 'remote.denied', false],
    [401, 'authError', 'remote.credentials', false],
  ];
  for (const [status, reason, code, retryable] of table) {
    const { fake, open, config } = await rig(t);
    let left = 2;
    fake.hostility.refuse = ({ path }) => (path !== '/token' && left-- > 0 ? { status, reason } : undefined);
    const raw = await openRaw(openGdrive, config);
    await assert.rejects(raw.head('a', signal), (error) => {
      assert.ok(error instanceof PipelineError);
      assert.deepEqual([error.code, error.retryable], [code, retryable], reason);
      return true;
    });
    left = 2;
    const remote = await open();
    if (retryable) assert.equal(await remote.head('a', signal), undefined);
    else await assert.rejects(remote.head('a', signal), { code });
  }
});

test('a download that is cut goes on by another request', async (t) => {
  const { open } = await rig(t, { cutDownloads: 2 });
  const bytes = seededBytes(3 * MIB, 43);
  const remote = await open();
  await remote.put(keyOf(bytes), bodyOf(bytes), signal);
  assert.ok((await readAll(await remote.get(keyOf(bytes), signal))).equals(bytes));
});

test('bytes that the server stored wrong are found by its own checksum and sent again', async (t) => {
  const { fake, open } = await rig(t, { corruptNext: true });
  const bytes = seededBytes(5000, 47);
  const remote = await open();
  await remote.put(keyOf(bytes), bodyOf(bytes), signal);
  assert.ok((await readAll(await (await open()).get(keyOf(bytes), signal))).equals(bytes));
  assert.equal(fake.hostility.corruptNext, false);
});

test('after a listing a new object costs one request', async (t) => {
  const { fake, open } = await rig(t);
  const remote = await open();
  await remote.put('files/a', bodyOf(Buffer.from('a')), signal);
  await listAll(remote, 'files/', signal);
  const before = fake.requests.length;
  await remote.put('files/b', bodyOf(Buffer.from('b')), signal);
  assert.equal(fake.requests.length - before, 1);
});

test('a folder that is not shared with the account, or is in the trash, is told with what to do', async (t) => {
  const { fake, open, config } = await rig(t);
  const root = fake.files.get(fake.root);
  assert.ok(root);
  root.trashed = true;
  await assert.rejects((await open()).head('a', signal), {
    code: 'remote.not-found',
    exit: 2,
    message: /is in the trash/,
  });
  fake.purge(fake.root);
  await assert.rejects((await openRaw(openGdrive, config)).head('a', signal), {
    code: 'remote.not-found',
    message: /does not exist for this account/,
  });
});

test('no credential that the server repeats is told', async (t) => {
  const { fake, open } = await rig(t);
  const remote = await open();
  // From here on there is an access token too.
  await remote.head('a', signal);
  const message = 'you sent client-canary refresh-canary access-canary';
  fake.hostility.refuse = () => ({ status: 403, reason: 'forbidden', message });
  await assert.rejects(remote.head('a', signal), {
    message: 'remote "test": the server answered 403 forbidden "you sent *** *** ***"',
  });
});
