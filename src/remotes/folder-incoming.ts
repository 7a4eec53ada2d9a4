import { closeSync, openSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { findStaleTemps, tempName } from '../io/files.ts';

/** Another machine's living process looks dead from here; what it writes is younger than this. */
const OLD_MS = 24 * 3600 * 1000;

/** Removes temp files of dead processes that are older than a day by the folder's own clock. */
export function sweepIncoming(folder: string): void {
  const dead = findStaleTemps(folder, true);
  if (dead.length === 0) return;
  // A share's clock may differ from ours: a file made there now says what time it is there.
  const probe = tempName(join(folder, 'probe'));
  closeSync(openSync(probe, 'wx'));
  try {
    const nowMs = statSync(probe).mtimeMs;
    for (const path of dead) {
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat && nowMs - stat.mtimeMs > OLD_MS) rmSync(path, { recursive: true, force: true });
    }
  } finally {
    rmSync(probe, { force: true });
  }
}
