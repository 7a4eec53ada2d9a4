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
import { push } from '../../src/transfer/push.ts';
import type { PushOptions } from '../../src/transfer/push.ts';
import type { Cache } from '../../src/store/cache.ts';
import { formatManifest, hashManifest } from '../../src/store/tree.ts';
import { bodyOf } from '../remotes/bodies.ts';
import { createMemoryRemote } from '../remotes/memory-remote.ts';
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
  const memory = createMemoryRemote(new Map(), 2);
  const keys: string[] = [];
  let count = 0;
  return {
    ...memory,
    keys,
    async put(key, body, signal) {
      before(key, count++);
      await memory.put(key, body, signal);
      keys.push(key);
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

for (const [what, artifacts] of [
  ['', [ARTIFACT]],
  [', also where only a past result names them', []],
] as const)
  test(`what is referred to goes before what refers: files, manifest, run-cache entry${what}`, async () => {
    const remote = createFake(() => undefined);
    await push({ ...optionsFor(remote), artifacts });
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

for (const [what, hash, sent] of [
  ['one object', FILES[1]?.hash ?? 'sha256:', 3],
  ['a manifest', TREE, 4],
] as const)
  test(`${what} that cannot be sent keeps what refers to it away, and nothing else`, async () => {
    const remote = createFake((key) => {
      if (key === objectPath(hash)) throw fault('transfer.changed');
    });
    const events: EventBody[] = [];
    const result = await push(optionsFor(remote, events));
    assert.equal(remote.keys.length, sent);
    assert.deepEqual(
      result.failures.map((error) => error.code),
      ['transfer.changed'],
    );
    assert.equal(events.filter((event) => event.type === 'object-refused').length, 1);
    const last = events.at(-1);
    assert.ok(last?.type === 'transfer-finished');
    assert.deepEqual([last.objects, last.failed, last.present], [sent, 1, 0]);
  });

/** What a push of a folder finds: of which files (and `list`) each side has the object, and what it has to send then. */
const FOUND: readonly {
  readonly what: string;
  readonly here: readonly string[];
  readonly there: readonly string[];
  readonly sent: readonly string[];
  readonly missing: boolean;
  /** How many objects are said to be there already. */
  readonly present: number;
}[] = [
  {
    what: 'what is only there is missing nowhere',
    here: ['', 'b', 'list'],
    there: ['a'],
    sent: ['', 'b', 'list'],
    missing: false,
    present: 1,
  },
  {
    what: 'of an empty file the size says nothing',
    here: ['', 'a', 'b', 'list'],
    there: ['a', 'b'],
    sent: ['', 'list'],
    missing: false,
    present: 2,
  },
  {
    what: 'a list that is only there says that its files are',
    here: ['a'],
    there: ['', 'a', 'b', 'list'],
    sent: [],
    missing: false,
    present: 1,
  },
  {
    what: 'a list that is nowhere is missing',
    here: ['', 'a', 'b'],
    there: ['', 'a', 'b'],
    sent: [],
    missing: true,
    present: 0,
  },
  {
    what: 'a file that is nowhere keeps its list away',
    here: ['', 'a', 'list'],
    there: [],
    sent: ['', 'a'],
    missing: true,
    present: 0,
  },
];

for (const { what, here, there, sent, missing, present } of FOUND)
  test(`${what}, and a result that is not whole here is not sent`, async () => {
    const names = ['', 'a', 'b'];
    const manifest = formatManifest(
      names.map((text) => ({ relpath: `f${text}`, hash: hashBytes('sha256', text) })),
      'sha256',
    );
    const tree = hashManifest(manifest, 'sha256');
    const texts = new Map<ContentHash, string>(names.map((text) => [hashBytes('sha256', text), text]));
    texts.set(tree, 'list');
    const remote = createFake(() => undefined);
    const options = optionsFor(remote);
    for (const [hash, text] of texts) {
      const bytes = hash === tree ? manifest : Buffer.from(text);
      if (there.includes(text)) await remote.put(objectPath(hash), bodyOf(bytes), options.signal);
      mkdirSync(dirname(options.cache.pathOf(hash)), { recursive: true });
      rmSync(options.cache.pathOf(hash), { force: true });
      if (here.includes(text)) writeFileSync(options.cache.pathOf(hash), bytes, { mode: 0o444 });
    }
    const artifact: Artifact = { path: 'out' as RelPath, hash: tree, kind: 'tree', size: 2, files: 3 };
    const result = { ...RESULT, outs: [artifact] };
    const pushed = await push({ ...options, artifacts: [artifact], results: [result] });
    const keys = remote.keys.slice(there.length);
    const entries = keys.filter((key) => key.startsWith('runs/'));
    assert.equal(entries.length, here.length === texts.size ? 1 : 0);
    assert.deepEqual(
      keys.slice(0, keys.length - entries.length).map((key) => texts.get(parseObjectPath(key) ?? 'sha256:')),
      sent,
    );
    assert.deepEqual([pushed.missing, pushed.present], [missing ? [artifact] : [], present]);
    assert.deepEqual(pushed.failures, []);
  });
