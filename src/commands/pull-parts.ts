import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, PipelineError } from '../base/error.ts';
import { algorithmOf } from '../base/hash.ts';
import { foldedTwins } from '../base/path.ts';
import { formatCount, plural, shellPath, visible } from '../base/text.ts';
import type { RelPath } from '../base/types.ts';
import { forgetIncomplete } from '../execute/incomplete.ts';
import { notePart } from '../execute/parts.ts';
import { rehashEntries } from '../execute/rehash.ts';
import { foldsNames } from '../io/folding.ts';
import type { Project } from '../project.ts';
import { printJson } from './command.ts';
import type { CommandContext } from './command.ts';
import type { Part } from './fetch-part.ts';

/** Puts the wanted files of directories where they belong and says how much of each directory is here then. */
export async function placeParts(
  context: CommandContext,
  project: Project,
  parts: readonly Part[],
): Promise<void> {
  for (const part of parts) {
    const { made, files } = await placePart(project, part);
    const { path } = part.item.artifact;
    const of = part.all.length;
    if (context.json) {
      printJson(context, { type: 'checked-out-part', path, made, files, of });
      continue;
    }
    if (made.length > 0) context.print(`checked out ${plural(made.length, 'file')} of ${visible(path)}\n`);
    context.print(
      files === of
        ? `${visible(path)} is complete: ${plural(of, 'file')}\n`
        : `${visible(path)} is incomplete: ${formatCount(files)} of ${plural(of, 'file')} here; "lockstep pull ${visible(shellPath(path, project.folder))}" brings the rest\n`,
    );
  }
}

async function placePart(
  project: Project,
  { item, all, wanted }: Part,
): Promise<{ readonly made: readonly RelPath[]; readonly files: number }> {
  const { root, folder, stateDir, facts, cache } = project;
  const { restorer } = await project.workbench();
  const { path, hash } = item.artifact;
  await facts.look([path]);
  const here = facts.observed(path);
  if (here.kind === 'refused') throw here.error;
  const whole = new Map<string, string>(all.map((file) => [file.path, file.hash]));
  const present = new Set<string>();
  if (here.kind === 'file') throw otherContent(path, folder);
  const seen = here.kind === 'tree' ? here.entries : [];
  for (const entry of await rehashEntries(join(root, path), seen, algorithmOf(hash))) {
    const file = `${path}/${entry.relpath}`;
    if (whole.get(file) !== entry.hash) throw otherContent(path, folder);
    present.add(file);
  }
  const lacking = wanted.filter((file) => !present.has(file.path) && cache.has(file.hash));
  const twins = foldedTwins([...present, ...lacking.map((file) => file.path)]);
  if (twins && foldsNames(stateDir)) throw twinNames(path, twins);
  const files = present.size + lacking.length;
  const entries = all.map((file) => ({ relpath: file.path.slice(path.length + 1), hash: file.hash }));
  // Before the first file is there: a part must never be taken for the whole.
  if (files < all.length) notePart(root, cache, { path, hash, entries });
  if (lacking.length > 0)
    await restorer.restore(
      item.owner,
      lacking.map((file) => ({
        artifact: { ...file, size: lstatSync(cache.pathOf(file.hash)).size },
        sharing: item.sharing,
      })),
    );
  if (files === all.length) forgetIncomplete(root, [{ path }]);
  return { made: lacking.map((file) => file.path), files };
}

function otherContent(path: RelPath, folder: string): PipelineError {
  return new PipelineError(
    'cli.arguments',
    `"${path}" holds something else than pipeline.lock says, so a part of it cannot be put there`,
    {
      hint: `"lockstep pull ${shellPath(path, folder)}" brings all of it; what is recorded nowhere is kept in the cache first`,
    },
  );
}

function twinNames(path: RelPath, [first, second]: readonly [string, string]): PipelineError {
  return new PipelineError(
    'path.twins',
    `"${path}" holds "${first}" and "${second}", one name on this file system`,
    {
      exit: EXIT.failed,
      hint: 'pull one of them, or check out on a file system that keeps case and Unicode forms apart',
    },
  );
}
