import { execFileSync } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, PipelineError } from '../base/error.ts';
import { formatBytes, plural } from '../base/text.ts';
import type { Artifact, Lock } from '../base/types.ts';
import type { Project } from '../project.ts';
import { parseLock } from '../record/lockfile.ts';
import { findGarbage, removeGarbage } from '../store/gc.ts';
import { isSet, textFlag, withProject } from './command.ts';
import type { Command, CommandContext } from './command.ts';

const DAY_MS = 86_400_000;

const gc: Command = {
  summary: 'Find cache objects that nothing refers to; remove them with --delete',
  usage: '',
  flags: {
    delete: { type: 'boolean', help: 'remove them (without it nothing is touched)' },
    'runs-older-than': {
      type: 'string',
      value: 'DAYS',
      help: 'also forget run-cache results that have not been written for so long',
    },
  },
  examples: ['lockstep gc', 'lockstep gc --delete', 'lockstep gc --runs-older-than 30 --delete'],
  maxArgs: 0,
  run: (context) =>
    withProject(context, async (project) => {
      using _cache = await project.takeCache('exclusive');
      const old = oldEntries(project, textFlag(context, 'runs-older-than'));
      const kept = project.runs.list().filter((entry) => !old.has(entry.path));
      const roots: readonly Artifact[] = [
        ...artifactsOf({ stages: new Map(project.recorder.lock().stages), data: project.recorder.data() }),
        ...artifactsOf(await committedLock(project.root)),
        ...kept.flatMap((entry) => entry.result.outs),
      ];
      const garbage = findGarbage(project.cache, roots);
      if (isSet(context, 'delete')) {
        for (const path of old) rmSync(join(project.stateDir, path), { force: true });
        removeGarbage(project.cache, garbage);
      }
      tell(context, {
        objects: garbage.length,
        size: garbage.reduce((sum, one) => sum + one.size, 0),
        runs: old.size,
      });
      return EXIT.ok;
    }),
};

export default gc;

function artifactsOf(lock: Lock): readonly Artifact[] {
  return [...[...lock.stages.values()].flatMap((entry) => entry.outs), ...lock.data];
}

/** What HEAD's lock names stays too: `git checkout .` must not need a remote. */
async function committedLock(root: string): Promise<Lock> {
  let text: string;
  try {
    text = execFileSync('git', ['show', 'HEAD:./pipeline.lock'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return { stages: new Map(), data: [] };
  }
  return parseLock(text);
}

function oldEntries(project: Project, days: string | undefined): ReadonlySet<string> {
  if (days === undefined) return new Set();
  const limit = Number(days);
  if (days.trim() === '' || !Number.isFinite(limit) || limit < 0) {
    throw new PipelineError('cli.value', `--runs-older-than takes a number of days, not "${days}"`, {
      hint: 'for example --runs-older-than 30',
    });
  }
  const before = project.clock.now() - limit * DAY_MS;
  const paths = project.runs.list().map((entry) => entry.path);
  return new Set(paths.filter((path) => statSync(join(project.stateDir, path)).mtimeMs < before));
}

function tell(
  context: CommandContext,
  { objects, size, runs }: { objects: number; size: number; runs: number },
): void {
  const deleted = isSet(context, 'delete');
  if (context.json)
    return context.print(`${JSON.stringify({ type: 'garbage', objects, size, runs, deleted })}\n`);
  if (objects === 0 && runs === 0)
    return context.print('Nothing to remove: everything in the cache is referred to.\n');
  const what = `${plural(objects, 'object')}, ${formatBytes(size)}${runs > 0 ? `, and ${plural(runs, 'run-cache result')}` : ''}`;
  context.print(deleted ? `Removed ${what}.\n` : `Would remove ${what}; "lockstep gc --delete" does it.\n`);
}
