import { PipelineError, toProblem } from '../base/error.ts';
import { wordOfPath } from '../base/path.ts';
import type { Remote } from '../base/remote.ts';
import { plural, suggest } from '../base/text.ts';
import type { ContentHash, RelPath } from '../base/types.ts';
import { lockedArtifacts } from '../execute/checkout.ts';
import type { LockedArtifact } from '../execute/checkout.ts';
import { readTree } from '../execute/facts.ts';
import { readTreeThere } from '../transfer/remote-tree.ts';
import { concernsOneObject } from '../transfer/transfer-plan.ts';
import type { Project } from '../project.ts';
import { keptFault, keptItems } from './kept.ts';
import { tellLackingThere } from './lacking.ts';
import { isGlob } from './pull-targets.ts';
import type { Pattern } from './pull-targets.ts';

/** A file of a directory. */
export interface PartFile {
  /** From the project's root. */
  readonly path: RelPath;
  readonly hash: ContentHash;
  readonly kind: 'file';
}

/** A directory of which only some files are wanted. */
export interface Part {
  readonly item: LockedArtifact;
  /** All files of the directory. */
  readonly all: readonly PartFile[];
  readonly wanted: readonly PartFile[];
}

export interface FindPartsOptions {
  readonly remote: Remote;
  readonly artifacts: readonly LockedArtifact[];
  readonly parts: ReadonlyMap<RelPath, readonly Pattern[]>;
}

/**
 * Finds the wanted files of each directory by its manifest, also where none is. Directories whose manifest cannot be had are
 * given back as `missing`; each has been told.
 */
export async function findParts(
  project: Project,
  { remote, artifacts, parts }: FindPartsOptions,
): Promise<{
  readonly found: readonly Part[];
  readonly missing: readonly RelPath[];
}> {
  const { cache, emit, signal } = project;
  const found: Part[] = [];
  const missing: RelPath[] = [];
  for (const item of artifacts) {
    const { path: tree, hash } = item.artifact;
    const patterns = parts.get(tree);
    if (!patterns) continue;
    try {
      const entries = readTree(cache, hash) ?? (await readTreeThere(hash, remote, signal));
      const all = entries.map((entry): PartFile => ({
        path: `${tree}/${entry.relpath}` as RelPath,
        hash: entry.hash,
        kind: 'file',
      }));
      const wanted = all.filter(({ path }) => patterns.some(({ matches }) => matches(path)));
      found.push({ item, all, wanted });
    } catch (error) {
      if (!concernsOneObject(error) || signal.aborted) throw error;
      missing.push(tree);
      if (error.code === 'remote.object-missing') await tellLackingThere(project, remote, [item.artifact]);
      else emit({ type: 'warned', problem: toProblem(error) });
    }
  }
  return { found, missing };
}

/**
 * The directories that may come, of those of which some files are wanted. Throws `cli.arguments` for a word that means
 * files of one only that is kept from every remote, or from the one that is asked for.
 */
export function leaveKept(
  { pipeline, recorder }: Project,
  parts: ReadonlyMap<RelPath, readonly Pattern[]>,
  asked: string | undefined,
): ReadonlyMap<RelPath, readonly Pattern[]> {
  const items = lockedArtifacts(pipeline, recorder).filter(({ artifact }) => parts.has(artifact.path));
  const kept = keptItems(items, asked);
  const left = new Map([...parts].filter(([tree]) => !kept.has(tree)));
  const known = new Set([...left.values()].flat().map(({ word }) => word));
  for (const [tree, item] of kept)
    for (const { word, optional } of parts.get(tree) ?? [])
      if (!optional && !known.has(word)) throw keptFault(item, word, 'fetched');
  return left;
}

/** Throws `cli.arguments` for words that no file of any directory answers to. */
export function refuseUnmatched(
  parts: ReadonlyMap<RelPath, readonly Pattern[]>,
  {
    found,
    unknown,
    folder,
  }: {
    readonly found: readonly Part[];
    readonly unknown: ReadonlySet<RelPath>;
    /** Where the words were typed. */
    readonly folder: string;
  },
): void {
  const needed = [...parts].flatMap(([tree, patterns]) =>
    patterns.flatMap(({ word, optional, matches }) => (optional ? [] : { tree, word, matches })),
  );
  for (const [word, alike] of Map.groupBy(needed, (one) => one.word)) {
    const trees = alike.map(({ tree }) => tree);
    // What a manifest that cannot be had would have held is not known.
    if (trees.some((tree) => unknown.has(tree))) continue;
    const isMeant = (path: string): boolean => alike.some(({ matches }) => matches(path));
    if (found.some(({ wanted }) => wanted.some(({ path }) => isMeant(path)))) continue;
    const held = found.flatMap(({ item, all }) => (trees.includes(item.artifact.path) ? all : []));
    const names = held.map(({ path }) => wordOfPath(path, folder));
    throw new PipelineError(
      'cli.arguments',
      `no file of ${trees.map((tree) => `"${tree}"`).join(', ')} is meant by "${word}"`,
      { hint: hintFor(word, names) },
    );
  }
}

/** A mistyped name has a near one; a pattern is helped by a name of what it may mean. */
function hintFor(word: string, files: readonly string[]): string | undefined {
  const [first] = files;
  if (first === undefined) return 'the directory is empty';
  const near = isGlob(word) ? undefined : suggest(word, files);
  if (near !== undefined) return `did you mean "${near}"?`;
  const held = `there ${files.length === 1 ? 'is' : 'are'} ${plural(files.length, 'file')}, such as "${first}"`;
  return isGlob(word) ? `${held}; "**" goes through folders` : held;
}
