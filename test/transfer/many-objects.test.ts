import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { EventBody } from '../../src/base/event.ts';
import { hashBytes, objectPath } from '../../src/base/hash.ts';
import type { Remote } from '../../src/base/remote.ts';
import type { Artifact, ContentHash, RelPath } from '../../src/base/types.ts';
import { fetchArtifacts } from '../../src/transfer/fetch.ts';
import type { FetchResult } from '../../src/transfer/fetch.ts';
import { push } from '../../src/transfer/push.ts';
import type { PushResult } from '../../src/transfer/push.ts';
import type { Cache } from '../../src/store/cache.ts';
import { ingestTree } from '../../src/store/ingest.ts';
import { configOf } from '../remotes/bodies.ts';
import { open } from '../remotes/open.ts';
import { openCache } from '../store/open-cache.ts';

/** Enough for worker threads. */
const COUNT = 1100;

interface Place {
  readonly root: string;
  readonly texts: readonly string[];
  readonly hashes: readonly ContentHash[];
  readonly remote: Remote;
  readonly cacheIn: (name: string) => Cache;
}

async function makePlace(t: TestContext): Promise<Place> {
  const root = mkdtempSync(join(tmpdir(), 'lockstep-many-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const texts = Array.from({ length: COUNT }, (_, index) => `file ${index}`);
  return {
    root,
    texts,
    hashes: texts.map((text) => hashBytes('sha256', text)),
    remote: await open(configOf(join(root, 'remote'))),
    cacheIn: (name) => openCache(join(root, name)),
  };
}

/** A cache with all files, and the folder that they are. */
function fill({ texts, hashes, cacheIn }: Place): { readonly cache: Cache; readonly artifact: Artifact } {
  const cache = cacheIn('here');
  for (const [index, hash] of hashes.entries()) {
    mkdirSync(dirname(cache.pathOf(hash)), { recursive: true });
    writeFileSync(cache.pathOf(hash), texts[index] ?? '', { mode: 0o444 });
  }
  const entries = hashes.map((hash, index) => ({
    relpath: String(index).padStart(4, '0') as RelPath,
    hash,
  }));
  const tree = ingestTree(cache, entries, 'sha256');
  const size = texts.reduce((sum, text) => sum + text.length, 0);
  return { cache, artifact: { path: 'out' as RelPath, hash: tree, kind: 'tree', size, files: COUNT } };
}

interface Moving {
  readonly cache: Cache;
  readonly artifact: Artifact;
  readonly events?: EventBody[];
  readonly signal?: AbortSignal;
}

function optionsOf(remote: Remote, { cache, artifact, events = [], signal }: Moving) {
  return {
    cache,
    remote,
    name: 'shelf',
    artifacts: [artifact],
    dryRun: false,
    emit: (event: EventBody): void => void events.push(event),
    signal: signal ?? new AbortController().signal,
  };
}

const pushAll = (remote: Remote, moving: Moving): Promise<PushResult> =>
  push({ ...optionsOf(remote, moving), results: [] });
const fetchAll = (remote: Remote, moving: Moving): Promise<FetchResult> =>
  fetchArtifacts(optionsOf(remote, moving));

/** Replaces bytes behind the back of a cache or a remote. */
function spoil(path: string, text: string): void {
  chmodSync(path, 0o644);
  writeFileSync(path, text);
}

test('a thousand objects go to a folder remote and come back, read-only, with steps of progress', async (t) => {
  const place = await makePlace(t);
  const { cache, artifact } = fill(place);
  const events: EventBody[] = [];
  const pushed = await pushAll(place.remote, { cache, artifact, events });
  assert.deepEqual([pushed.sent, pushed.present, pushed.missing.length], [COUNT + 1, 0, 0]);
  const again = await pushAll(place.remote, { cache, artifact });
  assert.deepEqual([again.sent, again.present], [0, COUNT + 1]);
  const steps = events.filter((event) => event.type === 'transfer-progressed').map(({ objects }) => objects);
  assert.ok(steps.length > 2 && steps.length < 100, `${steps.length} steps`);
  assert.equal(steps.at(-1), COUNT + 1);

  const there = place.cacheIn('there');
  const fetched = await fetchAll(place.remote, { cache: there, artifact });
  assert.deepEqual([fetched.received, fetched.missing.length], [COUNT + 1, 0]);
  for (const hash of [...place.hashes, artifact.hash])
    assert.equal(statSync(there.pathOf(hash)).mode & 0o777, 0o444);
  for (const hash of place.hashes)
    assert.ok(
      there.memo.isVerifiedObject(() => there.pathOf(hash), statSync(there.pathOf(hash)), hash),
      'nobody need hash it again',
    );
  await place.remote.close?.();
  const waiting = readdirSync(join(place.root, 'remote', '.incoming'), { recursive: true, encoding: 'utf8' });
  assert.deepEqual(waiting, []);
});

test('a damaged object among a thousand does not leave the cache, nor does its manifest; the rest goes', async (t) => {
  const place = await makePlace(t);
  const { cache, artifact } = fill(place);
  const [bad = 'sha256:'] = place.hashes;
  spoil(cache.pathOf(bad), 'pile 0');
  const pushed = await pushAll(place.remote, { cache, artifact });
  assert.deepEqual([pushed.sent, pushed.missing, pushed.failures], [COUNT - 1, [artifact], []]);
  assert.equal(cache.has(bad), false);
  assert.equal(await place.remote.head(objectPath(artifact.hash), new AbortController().signal), undefined);
});

test('a damaged object among a thousand is refused by name, and its manifest stays away; the rest comes', async (t) => {
  const place = await makePlace(t);
  const { cache, artifact } = fill(place);
  await pushAll(place.remote, { cache, artifact });
  const [bad = 'sha256:', gone = 'sha256:'] = place.hashes;
  spoil(join(place.root, 'remote', objectPath(bad)), 'pile 0');
  rmSync(join(place.root, 'remote', objectPath(gone)));
  const there = place.cacheIn('there');
  const events: EventBody[] = [];
  const fetched = await fetchAll(place.remote, { cache: there, artifact, events });
  assert.equal(fetched.received, COUNT - 1);
  assert.deepEqual(
    fetched.failures.map(({ code }) => code),
    ['remote.corrupt'],
  );
  assert.deepEqual(fetched.missing, [artifact]);
  assert.equal(events.filter(({ type }) => type === 'object-refused').length, 1);
  assert.deepEqual(
    [bad, gone, artifact.hash].filter((hash) => there.has(hash)),
    [],
  );
});

test('an interrupted transfer keeps what had come whole, and the next one brings the rest', async (t) => {
  const place = await makePlace(t);
  const { cache, artifact } = fill(place);
  const there = place.cacheIn('there');
  for (const move of [
    (signal: AbortSignal, events: EventBody[]) =>
      pushAll(place.remote, { cache, artifact, signal, events }).then(({ sent }) => sent),
    (signal: AbortSignal, events: EventBody[]) =>
      fetchAll(place.remote, { cache: there, artifact, signal, events }).then(({ received }) => received),
  ]) {
    const stop = new AbortController();
    const events: EventBody[] = [];
    events.push = (...some) => {
      if (some[0]?.type === 'transfer-progressed') stop.abort(new Error('enough'));
      return some.length;
    };
    await assert.rejects(move(stop.signal, events), /enough/);
    const rest = await move(new AbortController().signal, []);
    assert.ok(rest > 0 && rest < COUNT + 1, `${rest} were left`);
  }
  const { missing, corrupt } = await there.check([...place.hashes, artifact.hash]);
  assert.deepEqual([...missing, ...corrupt], []);
});
