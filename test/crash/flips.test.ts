import assert from 'node:assert/strict';
import { existsSync, linkSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import test, { after, before } from 'node:test';
import { PipelineError } from '../../src/base/error.ts';
import { canonicalJson, hashBytes, isTreeHash, objectPath, parseObjectPath } from '../../src/base/hash.ts';
import type { ContentHash, RelPath } from '../../src/base/types.ts';
import { forgetIncomplete, noteIncomplete, partOf } from '../../src/execute/incomplete.ts';
import { checkObjects } from '../../src/store/check-objects.ts';
import { engineOf } from '../../src/ground.ts';
import { createLockFormatter, parseLock } from '../../src/record/lockfile.ts';
import { entryPathOf, parseRunEntry } from '../../src/record/runs.ts';
import { readSettled } from '../../src/record/settled.ts';
import { createSnapshot } from '../../src/record/snapshot.ts';
import { fromStageLock } from '../../src/record/stage-lock.ts';
import type { Cache } from '../../src/store/cache.ts';
import { createCodeStore } from '../../src/store/code-facts.ts';
import { createLanding } from '../../src/store/landing.ts';
import { loadRows } from '../../src/store/memo-file.ts';
import { place } from '../../src/store/place.ts';
import { parseManifest } from '../../src/store/tree.ts';
import { copyTo } from '../../src/remotes/folder-copy.ts';
import { HASH, TREE } from '../record/rig.ts';
import { SOURCE_CLI, createRig, rigAt } from '../rig.ts';
import type { Rig } from '../rig.ts';
import { openCache } from '../store/open-cache.ts';
import { copyProject, freshPlace, overwrite } from './project.ts';
import { createSeeded, sampleOf, seedOf } from './seeded.ts';
import { filesBelow, readState, wrongObjects } from './state.ts';
import type { State } from './state.ts';

const FILES = {
  'pipeline.yaml': `name: flips
stages:
  copy: { cmd: cat in.txt > copy.txt, deps: [in.txt], outs: [copy.txt] }
  split:
    cmd: mkdir -p parts/deep; head -1 copy.txt > parts/first; tail -1 copy.txt > parts/deep/last
    deps: [copy.txt]
    params: [width]
    outs: [parts/]
  module: { run: m.ts, deps: { parts: parts }, outs: { count: count.json } }
`,
  'm.ts': `import { readdirSync, writeFileSync } from 'node:fs';
export default ({ deps, outs }) => writeFileSync(outs.count, JSON.stringify(readdirSync(deps.parts).length));
`,
  'params.yaml': 'width: 1\n',
  'package.json': '{ "type": "module" }\n',
  'in.txt': 'one\ntwo\n',
  'remotes.yaml': 'remotes:\n  origin: { url: remote }\n',
};
const OUTS = ['copy.txt', 'parts', 'count.json'];
const SEED = seedOf(process.env);
const seeded = createSeeded(SEED);

const rig = rigAt(createRig(FILES).root, {}, SOURCE_CLI);
const SOUND = `${rig.root}-sound`;
let sound: State;
before(async () => {
  for (const args of [['repro'], ['push', '--run-cache'], ['status']]) {
    const ran = await rig.lockstep(args);
    assert.equal(ran.code, 0, ran.stderr);
  }
  sound = await readState(rig.root, OUTS);
  // Flips in process reach the outs that are one inode with an object; this one stays as it was made.
  copyProject(rig.root, SOUND);
});
after(() => rmSync(SOUND, { recursive: true, force: true }));

/** One bit of every byte, by the seed; with `every`, all of them. */
function* flipsOf(
  bytes: Uint8Array,
  every = false,
): Generator<{ readonly at: number; readonly flipped: Buffer }> {
  for (let at = 0; at < bytes.length; at++) {
    for (const bit of every ? [0, 1, 2, 3, 4, 5, 6, 7] : [seeded.below(8)]) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8((flipped[at] ?? 0) ^ (1 << bit), at);
      yield { at: at * 8 + bit, flipped };
    }
  }
}

function cacheOf(found: ContentHash[], { root }: Pick<Rig, 'root'> = rig): Cache {
  return openCache(root, { onCorrupt: (hash) => found.push(hash) });
}

const isCode =
  (...codes: readonly string[]) =>
  (error: unknown): boolean =>
    error instanceof PipelineError && codes.includes(error.code);

test('an object with a flipped bit is detected by every way of reading it, and taken out of the cache', async () => {
  const to = rig.path('placed');
  after(() => rmSync(to, { recursive: true, force: true }));
  let tried = 0;
  for (const name of filesBelow(rig.path('.lockstep'), 'files')) {
    const hash = parseObjectPath(name);
    assert.ok(hash);
    const object = rig.path(`.lockstep/${name}`);
    const bytes = readFileSync(object);
    for (const { at, flipped } of flipsOf(bytes, bytes.length < 20)) {
      const told = `${name} bit ${at}, LOCKSTEP_SEED=${SEED}`;
      const put = (): void => writeFileSync(object, flipped, { mode: 0o444 });
      const found: ContentHash[] = [];
      overwrite(object, flipped);
      const cache = cacheOf(found);
      assert.deepEqual([...(await cache.check([hash])).corrupt], [hash], told);
      assert.equal(existsSync(object), false, told);
      put();
      assert.throws(() => cacheOf(found).readObject(hash), isCode('object.corrupt'), told);
      put();
      const artifact = { path: 'placed', hash, size: 1, kind: isTreeHash(hash) ? 'tree' : 'file' } as const;
      for (const sharing of ['share', 'own'] as const) {
        await assert.rejects(
          async () => place(cacheOf(found), artifact as never, { to, sharing, folds: false }),
          isCode('object.corrupt', 'object.missing'),
          told,
        );
        assert.equal(existsSync(to), false, told);
        put();
      }
      const again = cacheOf(found);
      const takeOut = (one: ContentHash): unknown => again.discard(one);
      const checked = await checkObjects({ cache: again, hashes: [hash], readData: true, takeOut });
      assert.deepEqual([...checked.corrupt], [hash], told);
      assert.equal(existsSync(object), false, told);
      put();
      await assert.rejects(
        copyTo(rig.path('copied'), {
          signal: new AbortController().signal,
          body: { size: flipped.length, file: object, hash, open: () => assert.fail() },
        }),
        isCode('transfer.changed'),
        told,
      );
      assert.equal(found.length, 5, told);
      tried++;
    }
    rmSync(object, { force: true });
    writeFileSync(object, bytes, { mode: 0o444 });
  }
  assert.ok(tried > 300, String(tried));
  assert.deepEqual((await readState(rig.root, OUTS)).cache, sound.cache);
});

/** A whole second, which can be set again exactly. */
const LONG_AGO = 1_700_000_000;

/** Has the engine learn what an object looks like, and flips a bit of it without that it looks otherwise. */
async function flipUnseen(hurt: Rig, object: string): Promise<void> {
  utimesSync(object, LONG_AGO, LONG_AGO);
  assert.equal((await hurt.lockstep(['verify'])).code, 0);
  const flipped = readFileSync(object);
  flipped.writeUInt8((flipped[0] ?? 0) ^ 1);
  overwrite(object, flipped);
  utimesSync(object, LONG_AGO, LONG_AGO);
  assert.equal((await hurt.lockstep(['verify'])).code, 0, 'the memo trusts size, mtime and mode');
}

test('a flip that moves no time is detected by whatever reads the bytes: copies, transfers, verify --read-data', async () => {
  const hurt = copyProject(SOUND, freshPlace(`${rig.root}-unseen`, ''));
  after(() => hurt.remove('.'));
  const { outs } = (await parseLock(hurt.read('pipeline.lock'))).stages.get('copy') ?? { outs: [] };
  const [artifact] = outs;
  assert.ok(artifact);
  const object = hurt.path(`.lockstep/${objectPath(artifact.hash)}`);
  const bytes = readFileSync(object);
  await flipUnseen(hurt, object);
  hurt.remove('remote');
  const pushed = await hurt.lockstep(['push']);
  assert.equal(pushed.code, 1, pushed.stderr);
  assert.deepEqual(wrongObjects(hurt.path('remote')), []);

  overwrite(object, bytes);
  await flipUnseen(hurt, object);
  const to = hurt.path('placed');
  const found: ContentHash[] = [];
  await assert.rejects(
    place(cacheOf(found, hurt), artifact, { to, sharing: 'own', folds: false }),
    isCode('object.corrupt'),
  );
  assert.deepEqual([found, existsSync(to), existsSync(object)], [[artifact.hash], false, false]);

  writeFileSync(object, bytes, { mode: 0o444 });
  hurt.remove('copy.txt');
  linkSync(object, hurt.path('copy.txt'));
  await flipUnseen(hurt, object);
  assert.equal((await hurt.lockstep(['verify', '--read-data'])).code, 1);
  assert.equal(existsSync(object), false);
});

test('an object that a remote gives with a flipped bit never enters the cache', async () => {
  for (const name of filesBelow(rig.path('remote'), 'files')) {
    const hash = parseObjectPath(name);
    assert.ok(hash);
    const bytes = readFileSync(rig.path(`remote/${name}`));
    for (const { at, flipped } of flipsOf(bytes)) {
      const file = rig.path('received');
      writeFileSync(file, flipped);
      const landing = createLanding(cacheOf([]));
      for (const source of [
        { file, faultOf: (error: unknown) => error },
        { stream: Readable.from([flipped]) },
      ])
        await assert.rejects(
          landing.receive(hash, source, new AbortController()),
          isCode('remote.corrupt'),
          `${name} bit ${at}, LOCKSTEP_SEED=${SEED}`,
        );
      await landing.drop();
    }
  }
  rmSync(rig.path('received'));
  assert.deepEqual((await readState(rig.root, OUTS)).cache, sound.cache);
});

test('a manifest with a flipped bit is refused, or names other files or bytes: never the same ones', () => {
  const trees = filesBelow(rig.path('.lockstep'), 'files').filter((name) => name.endsWith('.dir'));
  assert.ok(trees.length > 0);
  for (const name of trees) {
    const bytes = readFileSync(rig.path(`.lockstep/${name}`));
    const entries = parseManifest(bytes, 'sha256');
    for (const { at, flipped } of flipsOf(bytes, true)) {
      try {
        assert.notDeepEqual(parseManifest(flipped, 'sha256'), entries, `bit ${at}`);
      } catch (error) {
        assert.ok(isCode('manifest.invalid')(error), `bit ${at}: ${String(error)}`);
      }
    }
  }
});

test('a lock with a flipped bit is refused, or says visibly something else; only a comment may change in silence', async () => {
  const bytes = rig.bytes('pipeline.lock');
  const format = createLockFormatter();
  const known = format.format(await parseLock(bytes.toString('utf8')));
  const comment = bytes.indexOf('\n');
  for (const { at, flipped } of flipsOf(bytes, true)) {
    let meant: string;
    try {
      meant = format.format(await parseLock(flipped.toString('utf8')));
    } catch (error) {
      assert.ok(
        isCode('lock.invalid', 'lock.version', 'lock.conflict')(error),
        `bit ${at}: ${String(error)}`,
      );
      continue;
    }
    // A blank more or less at a line's end, or another quote, means the same.
    const isLayout = /^[\s'"]$/.test(String.fromCharCode(bytes[at >> 3] ?? 0));
    if (at >> 3 >= comment && !isLayout) assert.notEqual(meant, known, `bit ${at}, byte ${at >> 3}`);
  }
});

test('a run-cache entry with a flipped bit is as if it were not there', () => {
  const names = filesBelow(rig.path('.lockstep'), 'runs');
  assert.equal(names.length, 3);
  for (const name of names) {
    const bytes = rig.bytes(`.lockstep/${name}`);
    const sane = parseRunEntry(bytes);
    assert.ok(sane);
    for (const { at, flipped } of flipsOf(bytes, true)) {
      const read = parseRunEntry(flipped);
      // Its name is that of its fingerprint.
      if (read === undefined || entryPathOf(read.fingerprint) !== name) continue;
      assert.equal(
        canonicalJson(fromStageLock(read)),
        canonicalJson(fromStageLock(sane)),
        `${name} bit ${at}`,
      );
    }
  }
});

/** Whether what reads a file of private state knows anything by it. */
const READERS: Readonly<Record<string, (path: string) => boolean>> = {
  memo: (path) => loadRows(path).count > 0,
  snapshot: (path) => {
    const snapshot = createSnapshot(path, engineOf(), { load: () => undefined, hashOf: () => null });
    return Object.keys(snapshot.filesOf('lock')).length > 0;
  },
  settled: (path) => readSettled(path, engineOf()) !== undefined,
  code: (path) =>
    createCodeStore({ path, engine: engineOf() }).get('m.ts', hashBytes('sha256', FILES['m.ts'])) !==
    undefined,
};

for (const [name, isKnown] of Object.entries(READERS)) {
  test(`${name} with a flipped bit is as if it were not there`, () => {
    const bytes = rig.bytes(`.lockstep/${name}`);
    assert.ok(bytes.length > 64);
    const path = rig.path('sealed');
    writeFileSync(path, bytes);
    assert.equal(isKnown(path), true);
    // Every bit of the ends, where lengths and the seal are; one of every byte between.
    const ends = new Set(
      [...flipsOf(bytes, true)].filter(({ at }) => at < 512 || at >= bytes.length * 8 - 512),
    );
    for (const { at, flipped } of [...ends, ...flipsOf(bytes)]) {
      writeFileSync(path, flipped);
      assert.equal(isKnown(path), false, `bit ${at}`);
    }
    rmSync(path);
  });
}

test('a note of directories that are here only in part, with a flipped bit, is refused, so that no part is recorded', () => {
  const part = createRig();
  const locked = { path: 'raw' as RelPath, hash: TREE, kind: 'tree', size: 12, files: 4 } as const;
  const here = {
    kind: 'tree',
    artifact: { ...locked, hash: `${HASH}.dir`, files: 1 },
    entries: [{ relpath: 'a', hash: HASH }],
  } as const;
  const find = (): unknown => partOf(part.root, { observed: () => here } as never, locked);
  assert.equal(find(), undefined);
  noteIncomplete(part.root, { path: locked.path, hash: TREE, files: 4 });
  const note = part.bytes('.lockstep/incomplete');
  assert.deepEqual(find(), { path: 'raw', here: here.artifact, files: 1, whole: locked.hash, of: 4 });
  for (const { at, flipped } of flipsOf(note, true)) {
    part.write('.lockstep/incomplete', flipped);
    // What is not known cannot be added to or forgotten either.
    for (const ask of [
      find,
      () => forgetIncomplete(part.root, [locked]),
      () => noteIncomplete(part.root, { path: 'other' as RelPath, hash: TREE, files: 2 }),
    ])
      assert.throws(ask, isCode('incomplete.damaged'), `bit ${at}`);
  }
});

/** The files that a flip may hit while the command line is not looking. */
function victims(): readonly string[] {
  const state = filesBelow(rig.path('.lockstep')).filter((name) =>
    /^(files|runs)\/|^(memo|snapshot|settled|code)$/.test(name),
  );
  return [...state.map((name) => `.lockstep/${name}`), 'pipeline.lock'];
}

const COUNT = sampleOf(process.env, 12) ?? 200;

test(`after a flip anywhere the command line ends with the sound result or says why not: ${COUNT} flips`, async (t) => {
  t.diagnostic(`LOCKSTEP_SEED=${SEED}`);
  const names = victims();
  for (let trial = 0; trial < COUNT; trial++) {
    const name = seeded.pick(names);
    const hurt = copyProject(SOUND, freshPlace(`${rig.root}-hurt`, ''));
    after(() => hurt.remove('.'));
    const bytes = hurt.bytes(name);
    const at = seeded.below(bytes.length * 8);
    const told = `${name} bit ${at}, LOCKSTEP_SEED=${SEED}`;
    const flipped = Buffer.from(bytes);
    flipped.writeUInt8((flipped[at >> 3] ?? 0) ^ (1 << (at & 7)), at >> 3);
    // In place: the out that is one inode with the object is hit with it.
    overwrite(hurt.path(name), flipped);
    // A lost out makes the engine read what was hit.
    if (trial % 2 === 1) hurt.remove(seeded.pick(OUTS));
    const ran = await hurt.lockstep(['repro']);
    if (ran.code === 2) {
      assert.match(ran.stderr, /error\[lock\.(invalid|version|conflict)\]/, told);
      hurt.remove('pipeline.lock');
      assert.equal((await hurt.lockstep(['repro'])).code, 0, told);
    } else assert.equal(ran.code, 0, `${told}: ${ran.stderr}`);
    const healed = await readState(hurt.root, OUTS);
    assert.deepEqual(healed.entries, sound.entries, `${told}: ${ran.stderr}`);
    assert.deepEqual([...healed.outs], [...sound.outs], `${told}: ${ran.stderr}`);
    assert.deepEqual([...healed.rights], [...sound.rights], `${told}: ${ran.stderr}`);
    const wrong = wrongObjects(hurt.path('.lockstep'));
    // What nothing needed is not read; whoever asks is told.
    if (wrong.length > 0) {
      const verified = await hurt.lockstep(['verify']);
      assert.equal(verified.code, 1, `${told}: ${verified.stdout}`);
      assert.match(verified.stdout + verified.stderr, /corrupt|damaged|other bytes/, told);
    }
  }
});

test('an out edited in place, and with it the object it is one inode with, is detected, told and healed from the remote', async () => {
  const hurt = copyProject(SOUND, freshPlace(`${rig.root}-edited`, ''));
  after(() => hurt.remove('.'));
  overwrite(hurt.path('copy.txt'), Buffer.from('one\ntwX\n'));
  const pushed = await hurt.lockstep(['push']);
  assert.equal(pushed.code, 0, pushed.stderr);
  assert.deepEqual(wrongObjects(hurt.path('remote')), []);
  const out = await hurt.lockstep(['checkout']);
  assert.equal(out.code, 1, out.stderr);
  assert.match(out.stderr, /object\.corrupt/);
  const pulled = await hurt.lockstep(['pull']);
  assert.equal(pulled.code, 0, pulled.stderr);
  assert.equal(hurt.read('copy.txt'), 'one\ntwo\n');
  assert.deepEqual(wrongObjects(hurt.path('.lockstep')), []);
});
