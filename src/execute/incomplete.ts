import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, PipelineError } from '../base/error.ts';
import { sha256Hex } from '../base/hash.ts';
import { byCodeUnit } from '../base/path.ts';
import type { Artifact, RelPath } from '../base/types.ts';
import { readIfExists, writeFileAtomic } from '../io/files.ts';
import type { DiskFacts } from './facts.ts';

const SUM_LENGTH = 64;

/** A directory of which only some files are in the workspace, by intent. */
export interface Incomplete {
  readonly path: RelPath;
  /** Of the whole directory. */
  readonly hash: string;
  /** How many files the whole directory has. */
  readonly files: number;
}

/** Remembers, on the disk, that a directory is only in part here; told before the first of its files is. */
export function noteIncomplete(root: string, incomplete: Incomplete): void {
  const all = readIncomplete(root);
  // Any directory counts as noted.
  if (all === undefined) return;
  write(root, [...all.filter(({ path }) => path !== incomplete.path), incomplete]);
}

/** Forgets that a directory was incomplete. */
export function forgetIncomplete(root: string, path: RelPath): void {
  const all = readIncomplete(root);
  const others = all?.filter((one) => one.path !== path);
  if (all && others && others.length < all.length) write(root, others);
}

/**
 * Throws `out.missing` when a directory still is the part that a pull of some of its files left: it must not be recorded as
 * the whole. `locked` is what the lock says of it. Once the lock says something else, or as many files are there, the
 * directory is what a stage or the user made.
 */
export function refuseIncomplete(
  root: string,
  { facts, locked }: { readonly facts: DiskFacts; readonly locked: Artifact | undefined },
): void {
  if (!locked || locked.kind !== 'tree') return;
  const { path } = locked;
  const all = readIncomplete(root);
  const noted = all ? all.find((one) => one.path === path) : { hash: locked.hash, files: locked.files ?? 0 };
  const here = facts.observed(path);
  if (noted?.hash !== locked.hash || here.kind !== 'tree' || here.artifact.hash === locked.hash) return;
  if (here.entries.length >= noted.files) return;
  const rest = `bring the rest with "lockstep pull ${path}"`;
  throw new PipelineError(
    'out.missing',
    `"${path}" is here only in part: ${here.entries.length} of ${noted.files} files`,
    {
      exit: EXIT.failed,
      hint: all
        ? `${rest}; a part is never recorded as the whole`
        : `${rest}, or, if it is whole, remove .lockstep/incomplete, which is damaged`,
    },
  );
}

function fileOf(root: string): string {
  return join(root, '.lockstep', 'incomplete');
}

/** `undefined` when the file is damaged: then any directory may be incomplete. */
function readIncomplete(root: string): readonly Incomplete[] | undefined {
  const bytes = readIfExists(fileOf(root));
  if (bytes === undefined) return [];
  const text = bytes.toString('utf8');
  const json = text.slice(SUM_LENGTH + 1, -1);
  return text === seal(json) ? (JSON.parse(json) as readonly Incomplete[]) : undefined;
}

/** In front of it is its checksum. */
function seal(json: string): string {
  return `${sha256Hex(json)} ${json}\n`;
}

function write(root: string, all: readonly Incomplete[]): void {
  if (all.length === 0) rmSync(fileOf(root), { force: true });
  else {
    const sorted = [...all].sort((a, b) => byCodeUnit(a.path, b.path));
    writeFileAtomic(fileOf(root), seal(JSON.stringify(sorted)), { durable: true });
  }
}
