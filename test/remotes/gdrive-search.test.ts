import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf, listAll, readAll } from './bodies.ts';
import { rig } from './drive-rig.ts';
import { parseDriveQuery } from './fake-drive-query.ts';

const { signal } = new AbortController();
const bytesOf = (text: string) => bodyOf(Buffer.from(text));

test('what was just written is there and what was just removed is not, though searches lag', async (t) => {
  const { fake, open } = await rig(t, { lagMs: 60_000 });
  const remote = await open();
  await remote.put('runs/one', bodyOf(Buffer.from('one')), signal);
  assert.deepEqual(await remote.head('runs/one', signal), { size: 3 });
  assert.deepEqual(await listAll(remote, '', signal), ['runs/one 3']);
  await remote.put('runs/one', bodyOf(Buffer.from('longer')), signal);
  assert.equal((await readAll(await remote.get('runs/one', signal))).toString(), 'longer');
  assert.deepEqual(await listAll(remote, '', signal), ['runs/one 6']);
  assert.equal([...fake.files.values()].filter((file) => file.name === 'one').length, 1);
  await remote.remove('runs/one', signal);
  assert.equal(await remote.head('runs/one', signal), undefined);
  assert.deepEqual(await listAll(remote, '', signal), []);
});

test('what was there before and was just removed is not there, though searches still find it', async (t) => {
  const { fake, open } = await rig(t, { lagMs: 60_000 });
  const remote = await open();
  await remote.put('runs/one', bytesOf('old'), signal);
  await fake.clock.sleep(60_000);
  await remote.remove('runs/one', signal);
  assert.equal(await remote.head('runs/one', signal), undefined);
  assert.deepEqual(await listAll(remote, '', signal), []);
  await remote.put('runs/one', bytesOf('newer'), signal);
  assert.equal((await readAll(await remote.get('runs/one', signal))).toString(), 'newer');
  assert.deepEqual(await listAll(remote, '', signal), ['runs/one 5']);
});

test('what another machine removed is found for a while, and who writes it anew takes it out of the trash', async (t) => {
  const { fake, open } = await rig(t, { lagMs: 60_000 });
  const [one, two] = [await open(), await open()];
  await one.put('runs/one', bytesOf('old'), signal);
  await fake.clock.sleep(60_000);
  await one.remove('runs/one', signal);
  await two.put('runs/one', bytesOf('newer'), signal);
  await fake.clock.sleep(60_000);
  const three = await open();
  assert.equal((await readAll(await three.get('runs/one', signal))).toString(), 'newer');
  assert.deepEqual(await listAll(three, '', signal), ['runs/one 5']);
});

test('what is gone for good while searches still find it is written all the same, once they do not', async (t) => {
  const { fake, open } = await rig(t, { lagMs: 500 });
  const [one, two] = [await open(), await open()];
  await one.put('runs/one', bytesOf('old'), signal);
  await fake.clock.sleep(500);
  for (const { id, name } of fake.files.values()) if (name === 'one') fake.purge(id);
  await two.put('runs/one', bytesOf('newer'), signal);
  assert.equal((await readAll(await two.get('runs/one', signal))).toString(), 'newer');
});

test('what somebody renamed in the browser is found by its new name', async (t) => {
  const { fake, open } = await rig(t, { lagMs: 1000 });
  await (await open()).put('runs/one', bytesOf('x'), signal);
  for (const { id, name } of fake.files.values()) if (name === 'one') fake.change(id, { name: 'two' });
  await fake.clock.sleep(1000);
  assert.deepEqual(await listAll(await open(), '', signal), ['runs/two 1']);
});

test('a search that the server breaks off is made again, and never taken for the whole', async (t) => {
  const { fake, open } = await rig(t);
  const first = await open();
  for (const name of ['a', 'b', 'c']) await first.put(`runs/${name}`, bytesOf(name), signal);
  fake.hostility.incompleteSearches = 4;
  assert.deepEqual(await listAll(await open(), '', signal), ['runs/a 1', 'runs/b 1', 'runs/c 1']);
  fake.hostility.incompleteSearches = 3;
  assert.deepEqual(await (await open()).head('runs/c', signal), { size: 1 });
  fake.hostility.incompleteSearches = Infinity;
  const broken = await open();
  const told = { code: 'remote.unreachable', message: 'remote "test": the server broke a search off' };
  await assert.rejects(listAll(broken, '', signal), told);
  await assert.rejects(broken.head('runs/never', signal), told);
  await assert.rejects(broken.put('runs/new', bytesOf('x'), signal), told);
});

test('in a shared drive every machine finds what others wrote, also who was given one folder alone', async (t) => {
  for (const sharedDrive of ['member', 'guest'] as const) {
    const { fake, open } = await rig(t, { sharedDrive });
    const [one, two] = [await open(), await open()];
    await one.put('runs/one', bytesOf('one'), signal);
    assert.deepEqual(await two.head('runs/one', signal), { size: 3 });
    await two.put('runs/one', bytesOf('longer'), signal);
    assert.equal((await readAll(await one.get('runs/one', signal))).toString(), 'longer');
    assert.equal([...fake.files.values()].filter(({ name }) => name === 'one').length, 1);
    assert.deepEqual(await listAll(await open(), '', signal), ['runs/one 6']);
    await two.remove('runs/one', signal);
    assert.equal(await (await open()).head('runs/one', signal), undefined);
    const searches = fake.requests.filter((request) => request.includes('q='));
    const isDrive = (request: string): boolean => request.includes('corpora=drive&driveId=sharedDrive1&');
    assert.ok(
      searches.length > 5 && searches.every((request) => isDrive(request) === (sharedDrive === 'member')),
    );
  }
});

test('the fake reads queries as Drive does, and refuses what is none', () => {
  const file = { name: "It's", mimeType: 'text/plain', parents: ['p'], trashed: false };
  for (const [query, expected] of [
    ["name = 'it\\'s'", true],
    ["name = 'its'", false],
    ["'p' in parents and trashed = true", false],
    ["('q' in parents or 'p' in parents) and trashed = false", true],
    // One rank, from the left: (true or false) and false.
    ["'p' in parents or 'q' in parents and trashed = true", false],
    ["mimeType = 'text/plain'", true],
  ] as const)
    assert.equal(parseDriveQuery(query)?.(file), expected, query);
  for (const query of [
    '',
    "name = 'a",
    "name = 'it's'",
    'name = a',
    "name == 'a'",
    "title = 'a'",
    "(name = 'a'",
  ])
    assert.equal(parseDriveQuery(query), undefined, query);
});
