import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { EXIT, PipelineError } from '../../src/base/error.ts';
import type { EventBody } from '../../src/base/event.ts';
import { hashBytes, objectPath, parseObjectPath } from '../../src/base/hash.ts';
import type { Remote } from '../../src/base/remote.ts';
import type { Artifact, ContentHash, RelPath, StageLock } from '../../src/base/types.ts';
import { push } from '../../src/execute/push.ts';
import type { PushOptions } from '../../src/execute/push.ts';
import type { Cache } from '../../src/store/cache.ts';
import { openCache } from '../store/open-cache.ts';

const FILES = ['a', 'b', 'c', 'd'].map((text) => ({ text, hash: hashBytes('sha256', text) }));
const MANIFEST = JSON.stringify(
  FILES.map(({ text, hash }) => ({ sha256: hash.slice('sha256:'.length), relpath: text })),
)
  .replaceAll('":"', '": "')
  .replaceAll('","', '", "')
  .replaceAll('},{', '}, {');
const TREE: ContentHash = `${hashBytes('sha256', MANIFEST)}.dir`;
const ARTIFACT: Artifact = { path: 'out' as RelPath, hash: TREE, kind: 'tree', size: 4, files: 4 };
const RESULT: StageLock = {
  fingerprint: { action: { cmd: 'true' }, params: {}, deps: [], outs: [{ path: 'out/' }] },
  outs: [ARTIFACT],
  gates: [],
};

/** A cache that holds a folder of four files. */
function createFilledCache(): Cache {
  const root = mkdtempSync(join(tmpdir(), 'lockstep-push-'));
  after(() => rmSync(root, { recursive: true, force: true }));
  const cache = openCache(root);
  for (const [hash, text] of [
    ...FILES.map((one) => [one.hash, one.text] as const),
    [TREE, MANIFEST] as const,
  ]) {
    mkdirSync(dirname(cache.pathOf(hash)), { recursive: true });
    writeFileSync(cache.pathOf(hash), text, { mode: 0o444 });
  }
  return cache;
}

interface Fake extends Remote {
  /** Keys in the order in which they came. */
  readonly keys: string[];
}

/** A remote in memory that gives every `put` to `before` first. */
function createFake(before: (key: string, nth: number) => void): Fake {
  const stored = new Map<string, number>();
  const keys: string[] = [];
  let count = 0;
  return {
    keys,
    limits: { concurrency: 2 },
    head: (key) => Promise.resolve(stored.has(key) ? { size: stored.get(key) ?? 0 } : undefined),
    get: () => Promise.reject(new Error('nothing is fetched here')),
    put(key, body) {
      before(key, count++);
      stored.set(key, body.size);
      keys.push(key);
      return Promise.resolve();
    },
    remove: () => Promise.resolve(),
    async *list(prefix) {
      for (const [key, size] of stored)
        if (key.startsWith(prefix)) yield await Promise.resolve({ key, size });
    },
  };
}

function optionsFor(remote: Remote, events: EventBody[] = []): PushOptions {
  return {
    cache: createFilledCache(),
    remote,
    name: 'fake',
    artifacts: [ARTIFACT],
    results: [RESULT],
    dryRun: false,
    emit: (event) => void events.push(event),
    signal: new AbortController().signal,
  };
}

function fault(code: string): PipelineError {
  return new PipelineError(code, `made to fail: ${code}`, { exit: EXIT.failed });
}

test('what is referred to goes before what refers: files, manifest, run-cache entry', async () => {
  const remote = createFake(() => undefined);
  await push(optionsFor(remote));
  const kinds = remote.keys.map((key) =>
    key.startsWith('runs/') ? 'entry' : key.endsWith('.dir') ? 'manifest' : 'file',
  );
  assert.deepEqual(kinds, ['file', 'file', 'file', 'file', 'manifest', 'entry']);
  assert.deepEqual(
    new Set(remote.keys.slice(0, 4).map((key) => parseObjectPath(key))),
    new Set(FILES.map(({ hash }) => hash)),
  );
});

for (let nth = 0; nth < 6; nth++) {
  test(`a remote that fails at its put number ${nth + 1} never holds what refers to something it lacks`, async () => {
    const remote = createFake((_, at) => {
      if (at === nth) throw fault('remote.full');
    });
    await assert.rejects(push(optionsFor(remote)), { code: 'remote.full' });
    const has = (hash: ContentHash): boolean => remote.keys.includes(objectPath(hash));
    const isEntryThere = remote.keys.some((key) => key.startsWith('runs/'));
    if (has(TREE)) assert.ok(FILES.every(({ hash }) => has(hash)));
    if (isEntryThere) assert.ok(has(TREE));
    assert.ok(remote.keys.length < 6);
    const before = remote.keys.length;
    const again = await push(optionsFor(remote));
    assert.equal(again.sent, 6 - before, 'the next push continues where this one stopped');
    assert.equal(again.present, before);
  });
}

test('one object that cannot be sent keeps its manifest and entry away, and nothing else', async () => {
  const bad = objectPath(FILES[1]?.hash ?? 'sha256:');
  const remote = createFake((key) => {
    if (key === bad) throw fault('transfer.changed');
  });
  const events: EventBody[] = [];
  const result = await push(optionsFor(remote, events));
  assert.equal(remote.keys.length, 3);
  assert.deepEqual(
    result.failures.map((error) => error.code),
    ['transfer.changed'],
  );
  assert.equal(events.filter((event) => event.type === 'object-refused').length, 1);
  const last = events.at(-1);
  assert.ok(last?.type === 'transfer-finished');
  assert.deepEqual([last.objects, last.failed, last.present], [3, 1, 0]);
});
