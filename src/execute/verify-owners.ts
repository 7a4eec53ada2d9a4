import { formatList } from '../base/text.ts';
import type { Artifact, ContentHash } from '../base/types.ts';
import type { TreeEntry } from '../store/tree.ts';
import type { LockedArtifact } from './checkout.ts';

/** What refers to an object. */
export interface Owner {
  /** The recorded artifact it belongs to, if there is one. */
  readonly item: LockedArtifact | undefined;
  /** Quoted paths, in the order in which they are told. */
  readonly names: Set<string>;
}

/** Who needs which object: recorded artifacts first, past results for what none of them needs. */
export function ownersOf(
  artifacts: readonly LockedArtifact[],
  past: readonly Artifact[],
  filesOf: (artifact: Artifact) => readonly TreeEntry[],
): ReadonlyMap<ContentHash, Owner> {
  const owners = new Map<ContentHash, Owner>();
  const note = (hash: ContentHash, name: string, item?: LockedArtifact): void => {
    const owner = owners.get(hash);
    if (!owner) owners.set(hash, { item, names: new Set([name]) });
    else if (owner.item !== undefined || item !== undefined) owner.names.add(name);
  };
  for (const item of artifacts) {
    const { artifact } = item;
    note(artifact.hash, `"${artifact.path}"`, item);
    for (const { relpath, hash } of filesOf(artifact))
      if (relpath !== '') note(hash, `"${artifact.path}/${relpath}"`, item);
  }
  for (const artifact of past) {
    const name = `a past result of "${artifact.path}"`;
    for (const { hash } of [{ hash: artifact.hash }, ...filesOf(artifact)])
      if (!owners.has(hash)) note(hash, name);
  }
  return owners;
}

/** `it belongs to "copy.txt", …`; nobody knows objects by their hashes. */
export function belongs(owner: Owner | undefined): string {
  if (!owner) return 'nothing refers to it';
  return `it belongs to ${formatList([...owner.names])}`;
}
