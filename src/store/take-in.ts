import { writeFileAtomic } from '../io/files.ts';
import type { Cache } from './cache.ts';
import { ingest } from './ingest.ts';
import type { IngestFile } from './ingest.ts';
import type { Known } from './listing.ts';
import type { Observation } from './observe.ts';

/** Something that was looked at and is to be in the cache. */
export interface ToTakeIn {
  /** Absolute path. */
  readonly path: string;
  readonly here: Extract<Observation, { readonly kind: 'file' | 'tree' }>;
  /** As in `IngestFile`. */
  readonly sharing: IngestFile['sharing'];
}

/**
 * Puts what was looked at into the cache, durably: files first, then the manifests of folders. Throws `out.changed` as
 * `ingest` does. A file that the memo knows was taken in or looked at before: only the name of its object is asked for.
 */
export async function takeIn(cache: Cache, items: readonly ToTakeIn[]): Promise<void> {
  const entering: IngestFile[] = [];
  const settled: IngestFile[] = [];
  for (const item of items) {
    for (const [file, known] of filesOf(item))
      (isSettled(cache, file, known) ? settled : entering).push(file);
  }
  const lacking = cache.lacking(settled.map((file) => file.hash));
  if (lacking.size > 0) for (const file of settled) if (lacking.has(file.hash)) entering.push(file);
  await ingest(cache, entering);
  for (const { here } of items) {
    if (here.kind !== 'tree' || !here.listing || cache.has(here.artifact.hash)) continue;
    writeFileAtomic(cache.pathOf(here.artifact.hash), here.listing.manifest, {
      durable: true,
      mode: 0o444,
      temp: cache.newTemp(),
    });
  }
}

/** An unchanged file needs nothing but its object; where files share inodes with objects, it must be the object's. */
function isSettled(cache: Cache, { sharing }: IngestFile, known: Known): boolean {
  if (known === 'object') return true;
  return known === 'memo' && (sharing === 'own' || cache.linker().type !== 'hardlink');
}

function* filesOf({ path, here, sharing }: ToTakeIn): Generator<readonly [IngestFile, Known]> {
  if (here.kind === 'file') {
    const { hash, size } = here.artifact;
    yield [{ path, hash, size, sharing }, here.known];
    return;
  }
  const { listing } = here;
  if (!listing) throw new Error(`"${path}" was not looked at`);
  for (let index = 0; index < listing.count; index++) {
    const file = {
      path: `${path}/${listing.relpathOf(index)}`,
      hash: listing.hashOf(index),
      size: listing.sizeOf(index),
      sharing,
    };
    yield [file, listing.knownOf(index)];
  }
}
