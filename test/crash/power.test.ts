import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { parseLock } from '../../src/record/lockfile.ts';
import { parseRunEntry } from '../../src/record/runs.ts';
import { OUTS, SCENARIOS } from './project.ts';
import type { Scenario } from './project.ts';
import { filesOf, hashesOf, objectsOf } from './references.ts';
import { sampleOf } from './seeded.ts';
import { createStage } from './trial.ts';
import type { Stage } from './trial.ts';

/** What would be on the disk if the power went now, as far as the calls tell: bytes by fsync, names by that of folders. */
interface Disk {
  see(call: string): void;
  /** True when the file's bytes and its name were flushed since they last changed. */
  isSafe(path: string): boolean;
}

function createDisk(): Disk {
  const known = new Set<string>();
  const flushed = new Set<string>();
  const unnamed = new Set<string>();
  return {
    see(call) {
      const [, name = '', path = '', from] = /^(\w+) ([^\t]*)(?:\t(.*))?$/.exec(call) ?? [];
      known.add(path);
      if (name === 'syncfs') {
        for (const one of known) flushed.add(one);
        unnamed.clear();
      } else if (name === 'fsync' || name === 'fdatasync') {
        flushed.add(path);
        for (const one of unnamed) if (dirname(one) === path) unnamed.delete(one);
      } else if (name === 'open' || /^(write|append|trunc|copyFile)/.test(name)) flushed.delete(path);
      else if (from !== undefined) {
        if (flushed.has(from)) flushed.add(path);
        else flushed.delete(path);
        unnamed.add(path);
      }
    },
    isSafe: (path) => flushed.has(path) && !unnamed.has(path),
  };
}

async function assertOrder(stage: Stage): Promise<number> {
  const root = join(stage.folder, 'twin');
  const disk = createDisk();
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
    disk.see(call);
    if (index > lastLock && lastLock >= 0 && /^rm .*\/attempts\//.test(call)) {
      for (const name of ['pipeline.lock', ...(stage.scenario.outs ?? OUTS)])
        assert.ok(
          !isUnnamed(stage.calls.slice(0, index), join(root, name)),
          `${name} is not safe before ${call}`,
        );
      assert.ok(disk.isSafe(join(root, 'pipeline.lock')), `the lock is not safe before ${call}`);
      checked++;
    }
  }
  return checked;
}

/** True when something was moved to a path and its folder was not flushed since. */
function isUnnamed(calls: readonly string[], path: string): boolean {
  const moved = calls.findLastIndex((call) => call.startsWith(`rename ${path}\t`));
  const isFlush = (call: string): boolean => call === `fsync ${dirname(path)}` || call.startsWith('syncfs ');
  return moved >= 0 && !calls.slice(moved).some(isFlush);
}

const DOZENS = ['a first repro of dozens of files', 'push of dozens of files'];
const RISKY = ['a repro over old outs', 'commit', 'push', 'fetch', ...DOZENS];
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
