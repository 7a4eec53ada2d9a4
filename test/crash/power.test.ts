import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { isTreeHash, objectPath } from '../../src/base/hash.ts';
import type { ContentHash, StageLock } from '../../src/base/types.ts';
import { parseLock } from '../../src/record/lockfile.ts';
import { parseRunEntry } from '../../src/record/runs.ts';
import { parseManifest } from '../../src/store/tree.ts';
import { OUTS, SCENARIOS } from './project.ts';
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
  const flushed = new Set<string>();
  const unnamed = new Set<string>();
  return {
    see(call) {
      const [, name = '', path = '', from] = /^(\w+) ([^\t]*)(?:\t(.*))?$/.exec(call) ?? [];
      if (name === 'fsync' || name === 'fdatasync') {
        flushed.add(path);
        for (const one of unnamed) if (dirname(one) === path) unnamed.delete(one);
      } else if (name === 'open' || /^(write|append|trunc)/.test(name)) flushed.delete(path);
      else if (from !== undefined) {
        if (flushed.has(from)) flushed.add(path);
        else flushed.delete(path);
        unnamed.add(path);
      }
    },
    isSafe: (path) => flushed.has(path) && !unnamed.has(path),
  };
}

/** Every object that results consist of, by the finished project's own manifests. */
function objectsOf(store: string, hashes: readonly ContentHash[]): readonly string[] {
  return hashes.flatMap((hash) => [
    objectPath(hash),
    ...(isTreeHash(hash) ? filesOf(join(store, objectPath(hash))) : []),
  ]);
}

function filesOf(manifest: string): readonly string[] {
  return parseManifest(readFileSync(manifest), 'sha256').map((entry) => objectPath(entry.hash));
}

const hashesOf = (result: StageLock): readonly ContentHash[] => result.outs.map((out) => out.hash);

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
      for (const name of ['pipeline.lock', ...OUTS])
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
  return moved >= 0 && !calls.slice(moved).includes(`fsync ${dirname(path)}`);
}

const RISKY = ['a repro over old outs', 'commit', 'push', 'fetch'];
// What gc removes is referred to by nothing.
const MORE = SCENARIOS.map(({ name }) => name).filter((name) => name !== 'gc --delete');
const CHOSEN = sampleOf(process.env, 0) === 0 ? RISKY : MORE;

for (const scenario of SCENARIOS.filter(({ name }) => CHOSEN.includes(name))) {
  test(`${scenario.name} flushes what is referred to before what refers to it`, async (t) => {
    const stage = await createStage(scenario);
    try {
      const checked = await assertOrder(stage);
      t.diagnostic(`${checked} checks`);
      assert.ok(checked > 0, 'nothing was checked');
    } finally {
      stage.close();
    }
  });
}
