import type { ContentHash } from '../base/types.ts';
import type { Cache } from './cache.ts';
import type { Crew } from '../io/crew.ts';
import { removeTempFolder } from '../io/incoming.ts';
import { ingest, ingestManifest } from './ingest.ts';
import type { IngestFile } from './ingest.ts';
import type { Keeper } from './hash-files.ts';
import type { Known, Listing } from './listing.ts';
import type { Observation } from './observe.ts';

/** Copies made while files are looked at, until they are taken in. */
export interface Copies extends Keeper {
  /** Removes those that have not become objects, and where they waited. */
  drop(): void;
}

/** `undefined` where the file system shares bytes instead of copying them. */
export function createCopies(cache: Cache): Copies | undefined {
  if (cache.linker().type === 'reflink') return undefined;
  let folder: string | undefined;
  return {
    dir: cache.dir,
    tempFolder: () => (folder ??= cache.newTempFolder()),
    drop() {
      if (folder !== undefined) removeTempFolder(folder);
    },
  };
}

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
export async function takeIn(cache: Cache, items: readonly ToTakeIn[], crew?: Crew): Promise<void> {
  const entering: IngestFile[] = [];
  const settled: ContentHash[] = [];
  for (const item of items) {
    const { count, hashOf, knownOf, fileAt } = columnsOf(item);
    for (let index = 0; index < count; index++) {
      if (isSettled(cache, item, knownOf(index))) settled.push(hashOf(index));
      else entering.push(fileAt(index));
    }
  }
  const lacking = cache.lacking(settled);
  if (lacking.size > 0)
    for (const item of items) for (const file of lackingOf(cache, item, lacking)) entering.push(file);
  await ingest(cache, entering, crew);
  for (const { here } of items)
    if (here.kind === 'tree' && here.listing)
      ingestManifest(cache, here.artifact.hash, here.listing.manifest);
}

/** An unchanged file needs nothing but its object; where files share inodes with objects, it must be the object's. */
function isSettled(cache: Cache, { sharing }: ToTakeIn, known: Known): boolean {
  if (known === 'object') return true;
  return known === 'memo' && (sharing === 'own' || cache.linker().type !== 'hardlink');
}

function lackingOf(cache: Cache, item: ToTakeIn, lacking: ReadonlySet<ContentHash>): readonly IngestFile[] {
  const { count, hashOf, knownOf, fileAt } = columnsOf(item);
  const found: IngestFile[] = [];
  for (let index = 0; index < count; index++)
    if (isSettled(cache, item, knownOf(index)) && lacking.has(hashOf(index))) found.push(fileAt(index));
  return found;
}

interface Columns extends Pick<Listing, 'count' | 'hashOf' | 'knownOf'> {
  readonly fileAt: (index: number) => IngestFile;
}

function columnsOf({ path, here, sharing }: ToTakeIn): Columns {
  if (here.kind === 'file') {
    const { hash, size } = here.artifact;
    return {
      count: 1,
      hashOf: () => hash,
      knownOf: () => here.known,
      fileAt: () => ({ path, hash, size, sharing, ...(here.ready && { ready: here.ready }) }),
    };
  }
  const { listing } = here;
  if (!listing) throw new Error(`"${path}" was not looked at`);
  const { count, hashOf, knownOf, sizeOf, relpathOf, readyOf } = listing;
  const fileAt = (index: number): IngestFile => {
    const ready = readyOf(index);
    return {
      path: `${path}/${relpathOf(index)}`,
      hash: hashOf(index),
      size: sizeOf(index),
      sharing,
      ...(ready && { ready }),
    };
  };
  return { count, hashOf, knownOf, fileAt };
}
