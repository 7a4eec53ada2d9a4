import { join } from 'node:path';
import type { RelPath } from '../../src/base/types.ts';
import { createJournal } from '../../src/execute/journal.ts';
import { createRig } from '../rig.ts';
import type { Rig } from '../rig.ts';

/** An attempt of a process that cannot live: no pid is that large. */
export const DEAD = '4999999-1.0';

/** One shell stage with one out. */
export const PIPELINE = 'stages:\n  s:\n    cmd: echo new > out\n    outs: [out]\n';

/**
 * A project whose runner died while its stage was running: half a new out stands at its place, the old one aside; with
 * `had` false there was none.
 */
export function crashed(path: string = 'out', id: string = DEAD, had: boolean = true): Rig {
  const rig = createRig({ 'pipeline.yaml': PIPELINE, [path]: 'half' });
  const staging = rig.path(`.lockstep/staging/${id}`);
  const aside = join(staging, 'aside/0/out');
  if (had) rig.write(`.lockstep/staging/${id}/aside/0/out`, 'old');
  const home = rig.path(path);
  createJournal(rig.path('.lockstep')).begin(
    's',
    { id, outs: [{ path: path as RelPath, home, made: home, aside, had }], folders: [staging] },
    { durable: true },
  );
  return rig;
}

/** Where the record of a crashed project's attempt is. */
export function recordOf(rig: Rig): string {
  return rig.path(`.lockstep/attempts/${DEAD}.ndjson`);
}
