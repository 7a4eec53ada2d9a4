import { closeSync, openSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readFolder, tempName } from '../io/files.ts';
import { isOwnerAlive } from '../io/process-id.ts';

/**
 * The folder of a folder remote in which files wait for their names. One for all, so that looking for what a dead
 * process left never walks the objects.
 */
export const INCOMING = '.incoming';

/** Another machine's living process looks dead from here; what it writes is younger than this. */
const OLD_MS = 24 * 3600 * 1000;

/** Removes temp files of dead processes that are older than a day by the folder's own clock. */
export function sweepIncoming(folder: string): void {
  const entries = readFolder(folder);
  if (entries.length === 0) return;
  // A share's clock may differ from ours: a file made there now says what time it is there.
  const probe = tempName(join(folder, 'probe'));
  closeSync(openSync(probe, 'wx'));
  try {
    const nowMs = statSync(probe).mtimeMs;
    for (const { name } of entries) {
      const owner = /^\.(\d+-[0-9A-Za-z]+)\.[0-9a-z]+\.tmp$/.exec(name)?.[1];
      if (owner === undefined || isOwnerAlive(owner)) continue;
      const path = join(folder, name);
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat && nowMs - stat.mtimeMs > OLD_MS) rmSync(path, { force: true });
    }
  } finally {
    rmSync(probe, { force: true });
  }
}
