import { join } from 'node:path';
import { byCodeUnit } from '../../base/path.ts';
import { formatBytes, plural } from '../../base/text.ts';
import { createJournal, ownerOfAttempt } from '../../execute/journal.ts';
import { bytesBelow, ownerOfTemp, readFolder } from '../../io/files.ts';
import { whileUnheld } from '../../io/mutex.ts';
import { pathOfMutex } from '../../io/mutex-mark.ts';
import { isOwnerAlive } from '../../io/process-id.ts';
import { failedCheck } from './check.ts';
import type { Check } from './check.ts';

/** Of each attempt there is a folder in it. */
const STAGING = join('.lockstep', 'staging');
/** Outs that failed, whatever they are called. */
const FAILED = join('.lockstep', 'failed');

/** What runs that died have left, and what takes room in `.lockstep`. */
export function* checkLeftovers(root: string): Generator<Check> {
  const stateDir = join(root, '.lockstep');
  yield unlessDenied('attempts', () => checkAttempts(stateDir));
  yield unlessDenied('temps', () => checkTemps(root));
  yield checkSize(stateDir);
}

/** A folder there may be another user's. */
function unlessDenied(name: string, check: () => Check): Check {
  try {
    return check();
  } catch (error) {
    return failedCheck(name, error);
  }
}

function checkAttempts(stateDir: string): Check {
  const orphans = createJournal(stateDir).orphans();
  if (orphans.length === 0)
    return { check: 'attempts', status: 'ok', message: 'no attempts of runs that died' };
  if (isAtWork(stateDir)) return atWork('attempts');
  const names = orphans.map((one) => (one.phase === 'lost' ? 'a stage' : `"${one.stage}"`));
  const stages = [...new Set(names)].sort(byCodeUnit);
  return {
    check: 'attempts',
    status: 'warn',
    message: `a run died during ${stages.join(', ')}; what it left has not been cleaned up yet`,
    cure: '"lockstep repro" or "lockstep checkout" puts everything right',
  };
}

function checkTemps(root: string): Check {
  const stale = findStale(root);
  if (stale.length === 0)
    return { check: 'temps', status: 'ok', message: 'no temporary files of runs that died' };
  if (isAtWork(join(root, '.lockstep'))) return atWork('temps');
  const size = stale.reduce((sum, path) => sum + bytesBelow(join(root, path)), 0);
  return {
    check: 'temps',
    status: 'warn',
    message: `${plural(stale.length, 'temporary file or folder', 'temporary files or folders')} of runs that died, ${formatBytes(size)}`,
    cure: '"lockstep verify" sweeps them, as does every repro that has work',
  };
}

/** In another container somebody looks dead from here, but for what he holds. */
function isAtWork(stateDir: string): boolean {
  let isHeld = true;
  whileUnheld(pathOfMutex(stateDir, 'workspace'), () => {
    isHeld = false;
  });
  return isHeld;
}

function atWork(check: string): Check {
  const message = 'another lockstep is at work, whose files cannot be told from those of runs that died';
  return { check, status: 'ok', message };
}

/** Paths, from the root, of what dead runners have left in `.lockstep`, and beside it, where a lock on its way waits. */
function findStale(root: string): readonly string[] {
  const beside = readFolder(root).filter(({ name }) => isOfDead(ownerOfTemp(name)));
  return [...beside.map(({ name }) => name), ...staleBelow(root, '.lockstep')];
}

function* staleBelow(root: string, folder: string): Generator<string> {
  for (const entry of readFolder(join(root, folder))) {
    const path = join(folder, entry.name);
    const inStaging = folder === STAGING;
    if (isOfDead(ownerOfTemp(entry.name)) || (inStaging && isOfDead(ownerOfAttempt(entry.name)))) yield path;
    else if (entry.isDirectory() && !inStaging && path !== FAILED) yield* staleBelow(root, path);
  }
}

function isOfDead(owner: string | undefined): boolean {
  return owner !== undefined && !isOwnerAlive(owner);
}

function checkSize(stateDir: string): Check {
  const kinds = new Map<string, number>();
  for (const entry of readFolder(stateDir)) {
    const kind = entry.isDirectory() && !entry.name.endsWith('.mutex.d') ? entry.name : 'other';
    kinds.set(kind, (kinds.get(kind) ?? 0) + bytesBelow(join(stateDir, entry.name)));
  }
  const sizes = [...kinds]
    .filter(([, size]) => size > 0)
    .sort(([a, x], [b, y]) => y - x || byCodeUnit(a, b))
    .map(([kind, size]) => `${kind} ${formatBytes(size)}`);
  const all = [...kinds.values()].reduce((sum, size) => sum + size, 0);
  const detail = sizes.length > 0 ? `: ${sizes.join(', ')}` : '';
  return { check: 'size', status: 'ok', message: `.lockstep holds ${formatBytes(all)}${detail}` };
}
