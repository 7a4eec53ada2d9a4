import type { Artifact, RelPath, StageLock } from '../base/types.ts';
import { flushAcross } from '../io/flush.ts';
import { place } from '../store/place.ts';
import { DATA, noteStood } from '../record/stood.ts';
import { moveIntoPlace } from './commit.ts';
import { forgetIncomplete } from './incomplete.ts';
import type { OpenProject } from './open-project.ts';
import type { Around } from './recorder.ts';
import { failedFolder } from './recover.ts';
import { layStaging, openStaging } from './staging.ts';
import type { Laid } from './staging.ts';

export interface ToRestore {
  readonly artifact: Artifact;
  readonly sharing: 'share' | 'own';
}

export interface RestoreMore {
  /** Recorded by whoever finds the intent after a crash. */
  readonly result?: StageLock;
  /** Records it once everything is in place, with what must be on the disk by then, and what is to be done after it. */
  readonly record?: (around: Around) => void;
}

/** Makes artifacts out of the cache where they belong: built aside, then moved in by rename. */
export interface Restorer {
  /** `owner` names the stage (or `DATA`) in the journal. */
  restore(owner: string, items: readonly ToRestore[], more?: RestoreMore): Promise<void>;
}

export interface RestorerOptions extends Pick<
  OpenProject,
  'root' | 'stateDir' | 'cache' | 'facts' | 'journal'
> {
  readonly folds: () => boolean;
  /** Saves what stands in the way and is recorded nowhere. */
  readonly keep: (paths: readonly RelPath[]) => Promise<void>;
  /** Removes the folders of what is over. */
  readonly close: (staging: Pick<Laid, 'id' | 'folders'>) => void;
}

/** So many, or so much, is made beside what stands there at a time: each time costs flushes, and room for both. */
const BATCH_ITEMS = 500;
const BATCH_BYTES = 1024 * 1024 * 1024;

/** What can be restored together, in their order: outs of any stages, or tracked inputs. */
export function* inBatches<T extends ToRestore & { readonly owner: string }>(
  items: readonly T[],
): Generator<readonly T[]> {
  let batch: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const [first = item] = batch;
    const isFull = batch.length >= BATCH_ITEMS || bytes + item.artifact.size > BATCH_BYTES;
    if (batch.length > 0 && (isFull || (item.owner === DATA) !== (first.owner === DATA))) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(item);
    bytes += item.artifact.size;
  }
  if (batch.length > 0) yield batch;
}

export function createRestorer(options: RestorerOptions): Restorer {
  const { root, stateDir, cache, facts, journal, folds, keep, close } = options;
  return {
    async restore(owner, items, { result, record } = {}) {
      const artifacts = items.map((item) => item.artifact);
      const wanted = items.map((item) => ({ ...item, path: item.artifact.path, folder: false }));
      const staging = layStaging(wanted, { root, id: journal.newId(), inPlace: false });
      const forget = (): void => {
        close(staging);
        journal.remove(staging.id);
      };
      journal.begin(owner, staging, { durable: false });
      try {
        openStaging(staging);
        for (const { made, wanted: item } of staging.outs)
          await place(cache, item.artifact, { to: made, sharing: item.sharing, folds: folds() });
        await keep(wanted.map(({ path }) => path));
      } catch (error) {
        forget();
        throw error;
      }
      const moved = await moveIntoPlace({
        journal,
        staging,
        ...(result && { result }),
        failed: failedFolder(stateDir, owner),
        onWithdrawn(why) {
          forget();
          return why;
        },
      });
      facts.noteOuts(artifacts);
      forgetIncomplete(root, artifacts);
      if (owner === DATA) noteStood(stateDir, artifacts);
      if (record) return record({ before: moved, after: forget });
      await flushAcross(moved);
      forget();
    },
  };
}
