import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { byCodeUnit } from '../../base/path.ts';
import { formatBytes, plural } from '../../base/text.ts';
import { createJournal } from '../../execute/journal.ts';
import { readFolder } from '../../io/files.ts';
import { isOwnerAlive } from '../../io/process-id.ts';
import type { Check } from './check.ts';

/** What runs that died have left, and what takes room in `.lockstep`. */
export function* checkLeftovers(root: string): Generator<Check> {
  const stateDir = join(root, '.lockstep');
  yield checkAttempts(stateDir);
  const kinds = new Map<string, number>();
  const stale: Found = { count: 0, size: 0 };
  for (const entry of readFolder(stateDir)) {
    const found = measure(join(stateDir, entry.name), entry.name, stale);
    const kind = entry.isDirectory() && !entry.name.endsWith('.mutex.d') ? entry.name : 'other';
    kinds.set(kind, (kinds.get(kind) ?? 0) + found);
  }
  const beside = readFolder(root).filter(({ name }) => isStale(name));
  yield stale.count === 0
    ? { check: 'temps', status: 'ok', message: 'no temporary files of runs that died' }
    : {
        check: 'temps',
        status: 'warn',
        message: `${plural(stale.count, 'temporary file or folder', 'temporary files or folders')} of runs that died, ${formatBytes(stale.size)}`,
        cure: '"lockstep checkout" sweeps them, as does every repro that has work',
      };
  if (beside.length > 0)
    yield {
      check: 'temps',
      status: 'warn',
      message: `${plural(beside.length, 'temporary file')} of runs that died beside pipeline.yaml`,
      cure: `run "rm ${beside.map(({ name }) => name).join(' ')}"`,
    };
  const sizes = [...kinds]
    .filter(([, size]) => size > 0)
    .sort(([a, x], [b, y]) => y - x || byCodeUnit(a, b))
    .map(([kind, size]) => `${kind} ${formatBytes(size)}`);
  const all = [...kinds.values()].reduce((sum, size) => sum + size, 0);
  const detail = sizes.length > 0 ? `: ${sizes.join(', ')}` : '';
  yield { check: 'size', status: 'ok', message: `.lockstep holds ${formatBytes(all)}${detail}` };
}

function checkAttempts(stateDir: string): Check {
  const orphans = createJournal(stateDir).orphans();
  if (orphans.length === 0)
    return { check: 'attempts', status: 'ok', message: 'no attempts of runs that died' };
  const names = orphans.map((one) => (one.phase === 'lost' ? 'a stage' : `"${one.stage}"`));
  const stages = [...new Set(names)].sort(byCodeUnit);
  return {
    check: 'attempts',
    status: 'warn',
    message: `a run died during ${stages.join(', ')}; what it left has not been cleaned up yet`,
    cure: '"lockstep repro" or "lockstep checkout" puts everything right',
  };
}

interface Found {
  count: number;
  size: number;
}

/** Bytes at a path and below; what belongs to dead runners is added to `stale`. */
function measure(path: string, name: string, stale: Found): number {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return 0;
  // A tree of a dead runner is one leftover, whatever it holds.
  const mine = isStale(name);
  const below: Found = mine ? { count: 0, size: 0 } : stale;
  let size = stat.isFile() ? stat.size : 0;
  if (stat.isDirectory())
    for (const entry of readFolder(path)) size += measure(join(path, entry.name), entry.name, below);
  if (mine) {
    stale.count++;
    stale.size += size;
  }
  return size;
}

/** Names of temp files (`.<owner>.<n>.tmp`) and of staging folders (`<owner>.<n>`) whose owner is dead. */
function isStale(name: string): boolean {
  const owner = /^(?:\.(\d+-[0-9A-Za-z]+)\.[0-9a-z]+\.tmp|(\d+-[0-9A-Za-z]+)\.\d+)$/.exec(name);
  return owner !== null && !isOwnerAlive(owner[1] ?? owner[2] ?? '');
}
