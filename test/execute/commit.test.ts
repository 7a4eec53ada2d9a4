import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import type { RelPath } from '../../src/base/types.ts';
import { moveIntoPlace } from '../../src/execute/commit.ts';
import { createJournal } from '../../src/execute/journal.ts';
import type { Journal } from '../../src/execute/journal.ts';
import { layStaging, moveAside, openStaging } from '../../src/execute/staging.ts';
import type { Laid } from '../../src/execute/staging.ts';
import { tempFolder } from '../record/rig.ts';

interface Begun {
  readonly root: string;
  readonly journal: Journal;
  readonly staging: Laid;
  readonly read: (path: string) => string | undefined;
  /** Moves the outs into place, which must fail; returns how often the intent was said to be taken back. */
  readonly fail: (error: object, journal?: Journal) => Promise<number>;
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** An attempt that has made a new out in the place of an old one, and one where there was none. */
function begun(inPlace: boolean): Begun {
  const root = tempFolder();
  const journal = createJournal(join(root, '.lockstep'));
  write(join(root, 'old'), 'as it was');
  const paths = ['old', 'new', 'd/last'].map((path) => ({ path: path as RelPath, folder: false }));
  const staging = layStaging(paths, { root, id: journal.newId(), inPlace });
  journal.begin('s', staging, { durable: false });
  if (inPlace) for (const out of staging.outs) if (out.had) moveAside(out);
  openStaging(staging);
  for (const { path, made } of staging.outs) write(made, `made ${path}`);
  return {
    root,
    journal,
    staging,
    read: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined),
    async fail(error, used = journal) {
      let withdrawn = 0;
      const failed = join(root, '.lockstep/failed/s');
      await assert.rejects(
        moveIntoPlace({ journal: used, staging, failed, onWithdrawn: (why) => (withdrawn++, why) }),
        error,
      );
      return withdrawn;
    },
  };
}

test('where a move fails all outs stand as before the first, what was made waits where it was made, and nothing is intended', async () => {
  const { root, journal, staging, read, fail } = begun(false);
  write(join(root, 'd'), 'in the way');
  assert.equal(await fail({ code: 'out.blocked' }), 1);
  assert.deepEqual(
    staging.outs.map(({ home, made, aside }) => [read(home), read(made), read(aside)]),
    [
      ['as it was', 'made old', undefined],
      [undefined, 'made new', undefined],
      [undefined, 'made d/last', undefined],
    ],
  );
  assert.deepEqual(
    journal.unfinished().map(({ phase }) => phase),
    ['running'],
  );
});

test('where an intent cannot be written, what stands where it was made stays there, and the old out aside', async () => {
  const { journal, staging, read, fail } = begun(true);
  const refused = new Error('no room');
  assert.equal(await fail(refused, { ...journal, intend: () => Promise.reject(refused) }), 1);
  assert.deepEqual(
    staging.outs.map(({ home, aside }) => [read(home), read(aside)]),
    [
      ['made old', 'as it was'],
      ['made new', undefined],
      ['made d/last', undefined],
    ],
  );
});

test('outs are moved to their places, whose folders are made and told; who finishes it keeps what took the place meanwhile', async () => {
  const { root, journal, staging, read } = begun(false);
  const failed = join(root, '.lockstep/failed/s');
  const [old] = staging.outs;
  assert.ok(old);
  // Moved aside by a runner that died then; somebody wrote to the place.
  moveAside(old);
  write(old.home, 'mine');
  const moved = await moveIntoPlace({ journal, staging, failed, onWithdrawn: () => assert.fail() });
  assert.deepEqual(moved, [root, join(root, 'd')]);
  assert.deepEqual(
    staging.outs.map(({ home, made }) => [read(home), read(made)]),
    [
      ['made old', undefined],
      ['made new', undefined],
      ['made d/last', undefined],
    ],
  );
  assert.deepEqual([read(old.aside), read(join(failed, 'old'))], ['as it was', 'mine']);
});
