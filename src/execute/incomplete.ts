import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, PipelineError } from '../base/error.ts';
import { sha256Hex } from '../base/hash.ts';
import { byCodeUnit } from '../base/path.ts';
import { shellPath, shellQuote } from '../base/text.ts';
import type { Artifact, ContentHash, RelPath } from '../base/types.ts';
import { readIfExists, writeFileAtomic } from '../io/files.ts';
import type { TreeEntry } from '../store/tree.ts';
import type { DiskFacts } from './facts.ts';

/** A directory of which only some files are in the workspace, by intent. */
export interface Incomplete {
  readonly path: RelPath;
  /** Of the whole directory. */
  readonly hash: ContentHash;
  /** How many files the whole directory has. */
  readonly files: number;
}

/** Remembers, on the disk, that a directory is only in part here; told before the first of its files is. */
export function noteIncomplete(root: string, incomplete: Incomplete): void {
  const others = readIncomplete(root).filter(({ path }) => path !== incomplete.path);
  write(root, [...others, incomplete]);
}

/** Forgets that directories were incomplete: the whole of each has been put there, or what is there recorded as a whole. */
export function forgetIncomplete(root: string, artifacts: readonly { readonly path: string }[]): void {
  const all = readIncomplete(root);
  if (all.length === 0) return;
  const paths = new Set(artifacts.map(({ path }) => path));
  const others = all.filter((one) => !paths.has(one.path));
  if (others.length < all.length) write(root, others);
}

type Looked = Pick<DiskFacts, 'observed' | 'lookInside'>;

/** How much of a directory is here, when it still is the part that a pull of some of its files left. */
export interface Part {
  readonly path: RelPath;
  readonly here: Artifact;
  readonly files: number;
  /** Of which it is a part. */
  readonly whole: ContentHash;
  /** How many files that has. */
  readonly of: number;
}

/**
 * What is here of a directory that `locked` describes, when that is a part by intent. Once the lock says something else, or
 * as many files are there, the directory is what a stage or the user made. The facts must have looked at it.
 */
export function partOf(root: string, facts: Looked, locked: Artifact | undefined): Part | undefined {
  const part = anyPartOf(root, facts, locked);
  return part?.whole === locked?.hash ? part : undefined;
}

/** The same, also of a directory that was recorded when the part was pulled, and that the lock has left behind since. */
export function anyPartOf(root: string, facts: Looked, locked: Artifact | undefined): Part | undefined {
  if (locked?.kind !== 'tree') return undefined;
  const { path } = locked;
  const here = facts.observed(path);
  if (here.kind !== 'tree' || here.artifact.hash === locked.hash) return undefined;
  const noted = readIncomplete(root).find((one) => one.path === path);
  const { files = here.entries.length } = here.artifact;
  if (!noted || files >= noted.files) return undefined;
  const { hash: whole, files: of } = noted;
  const isIn = ({ relpath, hash }: TreeEntry): boolean =>
    facts.lookInside({ path, hash: whole, kind: 'tree', size: 0 }, relpath) === hash;
  if (whole !== locked.hash && !here.entries.every(isIn)) return undefined;
  return { path, here: here.artifact, files, whole, of };
}

/** The error, told in `folder`, for a part where the whole is needed: it must not be recorded as the whole, nor read for it. */
export function partial({ path, files, of }: Part, folder: string): PipelineError {
  return new PipelineError('incomplete.part', `"${path}" is here only in part: ${files} of ${of} files`, {
    exit: EXIT.failed,
    hint: `bring the rest with "lockstep pull ${shellPath(path, folder)}"; a part is never taken for the whole`,
  });
}

function fileOf(root: string): string {
  return join(root, '.lockstep', 'incomplete');
}

/** One line: a checksum, and the list as JSON. Throws `incomplete.damaged`: taken for none, a part would be recorded as the whole. */
export function readIncomplete(root: string): readonly Incomplete[] {
  const bytes = readIfExists(fileOf(root));
  if (bytes === undefined) return [];
  const [sum, ...rest] = bytes.toString('utf8').split(' ');
  const text = rest.join(' ');
  // A list, as we write it: another version may keep more under its checksum.
  if (sum !== sha256Hex(text) || !text.startsWith('[')) throw damaged(root);
  return JSON.parse(text) as readonly Incomplete[];
}

function damaged(root: string): PipelineError {
  return new PipelineError(
    'incomplete.damaged',
    '".lockstep/incomplete" is damaged: which folders are here only in part is not known',
    {
      exit: EXIT.failed,
      hint: `run "rm ${shellQuote(fileOf(root))}", then "lockstep pull" to bring all of them`,
    },
  );
}

function write(root: string, all: readonly Incomplete[]): void {
  if (all.length === 0) rmSync(fileOf(root), { force: true });
  else {
    const sorted = [...all].sort((a, b) => byCodeUnit(a.path, b.path));
    const text = `${JSON.stringify(sorted)}\n`;
    writeFileAtomic(fileOf(root), `${sha256Hex(text)} ${text}`, { durable: true });
  }
}
