import { dirname } from 'node:path';
import type { StageLock } from '../base/types.ts';
import { makeFolder } from '../io/files.ts';
import type { Journal } from './journal.ts';
import { folderAbove } from './folder-above.ts';
import { exists, move, setAside } from './staging.ts';
import type { Laid, StagedOut } from './staging.ts';

export interface Commit {
  readonly journal: Journal;
  readonly staging: Laid;
  /** What is recorded when the moves are finished after a crash; a checkout records nothing. */
  readonly result?: StageLock;
  /** Where something that stands in the way is kept. */
  readonly failed: string;
  /** Undoes the rest when the outs could not be moved, all stand as before the first move and the intent is taken back; gives back what is thrown. */
  readonly onWithdrawn: (why: unknown) => unknown;
}

/**
 * Puts the new outs in place. The intent is durable before the first move, if there is one, so whoever finds it after a
 * crash finishes the moves; the result still has to be recorded, and the intent removed after that. Resolves with the
 * folders whose names must be on the disk by then.
 */
export async function moveIntoPlace({
  journal,
  staging: { id, outs },
  result,
  failed,
  onWithdrawn,
}: Commit): Promise<readonly string[]> {
  try {
    // What stands where it was made needs no move: without its intent it is rolled back and made again, no more.
    const durable = outs.some((out) => out.made !== out.home);
    await journal.intend(id, result, { durable });
    for (const out of outs) finishMove(out, failed);
  } catch (error) {
    // A move that cannot be taken back either leaves the intent to whoever recovers.
    for (const out of outs) undoMove(out);
    journal.withdraw(id);
    throw onWithdrawn(error);
  }
  return [...new Set(outs.map((out) => dirname(out.home)))];
}

/** New out back where it was made, old out home: for a move that cannot go on while its runner lives. */
function undoMove(out: StagedOut): void {
  if (out.made === out.home) return;
  if (!exists(out.made) && exists(out.home)) move(out.home, out.made);
  if (exists(out.aside)) move(out.aside, out.home);
}

/**
 * Old out aside, new out home; each step only if it has not been done: safe to repeat after a crash. Throws
 * `out.linked` or `out.blocked` when a folder above the out has become a link or a file.
 */
export function finishMove(out: StagedOut, failed: string): void {
  if (out.made === out.home || !exists(out.made)) return;
  folderAbove(out);
  if (exists(out.home)) {
    // A replace is two renames: a rename over a folder that is not empty fails.
    if (exists(out.aside)) setAside(out.home, out.path, failed);
    else {
      makeFolder(dirname(out.aside));
      move(out.home, out.aside);
    }
  }
  makeFolder(dirname(out.home));
  move(out.made, out.home);
}
