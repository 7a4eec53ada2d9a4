import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { parseLock } from '../../src/record/lockfile.ts';
import { parseRunEntry } from '../../src/record/runs.ts';
import { createDisk, parseCall } from './disk.ts';
import type { Disk } from './disk.ts';
import { OUTS, SCENARIOS } from './project.ts';
import type { Scenario } from './project.ts';
import { filesOf, hashesOf, objectsOf } from './references.ts';
import { sampleOf } from './seeded.ts';
import { createStage } from './trial.ts';
import type { Stage } from './trial.ts';

/**
 * Holds calls to what records of attempts are for: one is safe before an out moves, old outs have safe names before their
 * stage starts, and a record is emptied only when the out's new name is safe, and the lock if it was to change. Returns what looks at a call before the disk sees it, and how often it
 * had something to say.
 */
function createRecords({ folder, scenario, before, after }: Stage, disk: Disk): (call: string) => number {
  const root = join(folder, 'twin');
  const lock = join(root, 'pipeline.lock');
  const outs = new Set((scenario.outs ?? OUTS).map((out) => join(root, out)));
  const recordOf = (id: string): string => join(root, `.lockstep/attempts/${id}.ndjson`);
  /** Record → outs that were moved under it. */
  const moved = new Map<string, readonly string[]>();
  /** Record → old outs that wait under it. */
  const aside = new Map<string, readonly string[]>();
  /** Records that were written to since the last lock. */
  const unlocked = new Set<string>();
  return (call) => {
    const { name, path, from = '' } = parseCall(call);
    const out = [path, from].find((one) => outs.has(one));
    const [, id] = /\/\.lockstep\/staging\/([^/]+)\/(?:aside|outs)\//.exec(call) ?? [];
    if (name === 'rename' && out !== undefined && id !== undefined) {
      assert.ok(disk.isSafe(recordOf(id)), `${scenario.name}: its record is not safe before ${call}`);
      moved.set(recordOf(id), [...(moved.get(recordOf(id)) ?? []), out]);
      if (from === out) aside.set(recordOf(id), [...(aside.get(recordOf(id)) ?? []), path]);
      return 1;
    }
    if (path === lock && name === 'rename') unlocked.clear();
    if (!path.startsWith(join(root, '.lockstep/attempts/'))) return 0;
    if (name === 'write') {
      unlocked.add(path);
      // It tells of the stage's process, which writes where they stood.
      for (const one of aside.get(path) ?? [])
        assert.ok(disk.isNamed(one), `${one} is not safe before ${call}`);
    }
    if (name !== 'ftruncate' && name !== 'rm') return 0;
    for (const one of moved.get(path) ?? [])
      assert.ok(disk.isNamed(one), `${one} is not safe before ${call}`);
    if (before.lock !== after.lock)
      assert.ok(!unlocked.has(path) && disk.isSafe(lock), `the lock is not safe before ${call}`);
    moved.delete(path);
    aside.delete(path);
    return 1;
  };
}

async function assertOrder(stage: Stage): Promise<number> {
  const root = join(stage.folder, 'twin');
  const disk = createDisk();
  const seeRecords = createRecords(stage, disk);
  let checked = 0;
  const lock = await parseLock(stage.after.lock);
  const lastLock = stage.calls.findLastIndex((call) => call.startsWith(`rename ${root}/pipeline.lock\t`));
  const assertSafe = (store: string, names: readonly string[], before: string): void => {
    const old = store.endsWith('remote') ? stage.before.remote : stage.before.cache;
    for (const name of names.filter((one) => !old.includes(one))) {
      assert.ok(
        disk.isSafe(join(store, name)),
        `${stage.scenario.name}: ${name} is not safe before ${before}`,
      );
      checked++;
    }
  };
  for (const [index, call] of stage.calls.entries()) {
    const target = /^rename ([^\t]*)/.exec(call)?.[1] ?? '';
    for (const store of [join(root, '.lockstep'), join(root, 'remote')]) {
      if (target.startsWith(`${store}/files/`) && target.endsWith('.dir'))
        assertSafe(store, filesOf(target), call);
      if (target.startsWith(`${store}/runs/`)) {
        const result = parseRunEntry(readFileSync(target));
        assert.ok(result);
        assertSafe(store, objectsOf(store, hashesOf(result)), call);
      }
    }
    if (index === lastLock) {
      const store = join(root, '.lockstep');
      assertSafe(store, objectsOf(store, [...lock.stages.values()].flatMap(hashesOf)), 'the lock');
    }
    checked += seeRecords(call);
    disk.see(call);
  }
  return checked;
}

const DOZENS = ['a first repro of dozens of files', 'push of dozens of files'];
const RISKY = ['a repro over old outs', 'checkout', 'commit', 'push', 'fetch', ...DOZENS];
// What gc removes is referred to by nothing.
const MORE = SCENARIOS.map(({ name }) => name).filter((name) => name !== 'gc --delete');
const CHOSEN = sampleOf(process.env, 0) === 0 ? RISKY : MORE;

async function assertScenario(
  t: TestContext,
  scenario: Scenario,
  order?: Parameters<typeof createStage>[1],
): Promise<readonly string[]> {
  const stage = await createStage(scenario, { ...order, flushesAtEnd: true });
  try {
    const checked = await assertOrder(stage);
    t.diagnostic(`${checked} checks`);
    assert.ok(checked > 0, 'nothing was checked');
    return stage.calls.filter((call) => call.startsWith('syncfs '));
  } finally {
    stage.close();
  }
}

const chosen = (names: readonly string[]): readonly Scenario[] =>
  SCENARIOS.filter(({ name }) => names.includes(name));

for (const scenario of chosen(CHOSEN))
  test(`${scenario.name} flushes what is referred to before what refers to it`, async (t) => {
    const flushes = await assertScenario(t, scenario);
    assert.equal(flushes.length > 0, DOZENS.includes(scenario.name), flushes.join('\n'));
  });

for (const scenario of chosen(DOZENS))
  test(`${scenario.name} flushes one by one where there is no flush of a file system`, async (t) => {
    assert.deepEqual(await assertScenario(t, scenario, { noSync: true }), []);
  });
