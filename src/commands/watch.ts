import { relative, sep } from 'node:path';
import { EXIT, PipelineError } from '../base/error.ts';
import type { ExitCode } from '../base/error.ts';
import { isInside } from '../base/path.ts';
import { plural } from '../base/text.ts';
import { findRoot } from '../ground.ts';
import { SELECT_FLAGS, printJson, withProject } from './command.ts';
import type { Command, CommandContext } from './command.ts';
import { reproduce } from './repro.ts';

/** Editors write a file in several steps, and tools save several files: a change is taken up when all is quiet. */
const QUIET_MS = 100;

const watch: Command = {
  summary: 'Run what a saved file makes stale, until Ctrl-C',
  usage: '[STAGE …]',
  flags: { ...SELECT_FLAGS, jobs: { type: 'string', short: 'j', value: 'N', help: 'stages at a time' } },
  examples: ['lockstep watch', 'lockstep watch features'],
  run: watchProject,
};

export default watch;

async function watchProject(context: CommandContext): Promise<ExitCode> {
  const root = findRoot(context.dir);
  const changes = await watchFiles(root, context.signal);
  try {
    for (let outs = await runOnce(context, new Set()); ;) {
      say(context, { type: 'watching' }, 'Watching; Ctrl-C ends.\n');
      const changed = await changes.next((path) => [...outs].some((out) => isInside(path, out)));
      if (context.signal.aborted) return EXIT.ok;
      say(
        context,
        { type: 'changed', paths: changed },
        `\nChanged: ${changed.length > 3 ? plural(changed.length, 'file') : changed.join(', ')}\n`,
      );
      outs = await runOnce(context, outs);
      if (context.signal.aborted) return EXIT.ok;
    }
  } catch (error) {
    // Ctrl-C is how a watch ends, also in the middle of a run.
    if (error instanceof PipelineError && error.code === 'run.interrupted') return EXIT.ok;
    throw error;
  } finally {
    await changes.close();
  }
}

/** One repro; a broken file or a failing stage is told and waited out. Returns the outs, whose changes are our own. */
async function runOnce(context: CommandContext, before: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  try {
    return await withProject(context, async (project) => {
      await reproduce(context, project);
      return new Set(project.pipeline.stages.flatMap((stage) => stage.outs.map((out) => out.path)));
    });
  } catch (error) {
    if (!(error instanceof PipelineError) || context.signal.aborted) throw error;
    context.tell(error);
    return before;
  }
}

function say(context: CommandContext, event: Record<string, unknown>, text: string): void {
  if (context.json) printJson(context, event);
  else context.print(text);
}

interface Changes {
  /** The files that changed since the last call, once all is quiet; those that `skip` names do not count. */
  next(skip: (path: string) => boolean): Promise<readonly string[]>;
  close(): Promise<void>;
}

async function watchFiles(root: string, signal: AbortSignal): Promise<Changes> {
  const { watch: observe } = await import('chokidar');
  const pending = new Set<string>();
  let wake: () => void = () => undefined;
  const watcher = observe(root, { ignoreInitial: true, ignored: (path) => isIgnored(root, path) });
  watcher.on('all', (_, path) => {
    pending.add(relative(root, path).split(sep).join('/'));
    wake();
  });
  signal.addEventListener('abort', () => wake(), { once: true });
  await new Promise<void>((resolve) => watcher.once('ready', () => resolve()));
  return {
    async next(skip) {
      for (;;) {
        if (signal.aborted) return [];
        const relevant = [...pending].filter((path) => !skip(path));
        pending.clear();
        if (relevant.length > 0) return relevant.sort();
        await new Promise<void>((resolve) => {
          let timer: NodeJS.Timeout | undefined;
          wake = () => {
            clearTimeout(timer);
            timer = setTimeout(resolve, signal.aborted ? 0 : QUIET_MS);
          };
          if (signal.aborted) resolve();
        });
        wake = () => undefined;
      }
    },
    close: () => watcher.close(),
  };
}

const OWN = new Set(['.lockstep', '.git', 'node_modules', 'pipeline.lock', '.gitignore']);

function isIgnored(root: string, path: string): boolean {
  const parts = relative(root, path).split(sep);
  return parts.some((part) => OWN.has(part) || part.endsWith('.tmp'));
}
