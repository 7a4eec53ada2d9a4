import { basename, join, relative, sep } from 'node:path';
import type { FSWatcher } from 'chokidar';
import { EXIT, PipelineError, isSystemError } from '../base/error.ts';
import type { ExitCode, Problem } from '../base/error.ts';
import { parentsOf } from '../base/path.ts';
import { plural } from '../base/text.ts';
import { findRoot } from '../ground.ts';
import { ownerOfTemp, readIfExists, statIfExists } from '../io/files.ts';
import type { Project } from '../project.ts';
import { LOCKFILE } from '../record/lockfile.ts';
import { SELECT_FLAGS, jobsOf, printJson, selectionOf, withProject } from './command.ts';
import type { Command, CommandContext } from './command.ts';
import { reproduce } from './repro.ts';

/** Editors write a file in several steps, and tools save several files: a change is taken up when all is quiet. */
const QUIET_MS = 100;

const watch: Command = {
  summary: 'Run what a saved file makes stale, until Ctrl-C',
  usage: '[STAGE …]',
  flags: { ...SELECT_FLAGS, jobs: { type: 'string', short: 'j', value: 'N', help: 'stages at a time' } },
  examples: ['lockstep watch', 'lockstep watch features'],
  run: (context) => watchProject(patient(context)),
};

export default watch;

/** A run that gave up waiting for another lockstep would not be tried again before something else is saved. */
function patient(context: CommandContext): CommandContext {
  return context.flags['wait'] === undefined ? { ...context, waitMs: Number.POSITIVE_INFINITY } : context;
}

async function watchProject(context: CommandContext): Promise<ExitCode> {
  const root = findRoot(context.dir);
  // No change of a file mends the command line.
  jobsOf(context);
  const changes = await watchFiles(root, context);
  try {
    for (;;) {
      const { wakes, places } = await runOnce(context, root);
      await changes.follow(places);
      if (context.signal.aborted) return EXIT.ok;
      say(context, { type: 'watching' }, 'Watching; Ctrl-C ends.\n');
      const changed = await changes.next(wakes);
      if (context.signal.aborted) return EXIT.ok;
      say(
        context,
        { type: 'changed', paths: changed },
        `\nChanged: ${changed.length > 3 ? plural(changed.length, 'file') : changed.join(', ')}\n`,
      );
    }
  } catch (error) {
    // Ctrl-C is how a watch ends, also in the middle of a run.
    if (error instanceof PipelineError && error.code === 'run.interrupted') return EXIT.ok;
    throw error;
  } finally {
    await changes.close();
  }
}

/** Whether a change of what stands at a path is reason for a run. */
type Wakes = (path: string) => boolean;

/** What is reason for the next run. */
interface Reasons {
  readonly wakes: Wakes;
  /** By what the last run was judged. */
  readonly places: readonly string[];
}

/** One repro; a broken file or a failing stage is told and waited out. */
async function runOnce(context: CommandContext, root: string): Promise<Reasons> {
  const found: { reasons?: Reasons } = {};
  try {
    await withProject(context, async (project) => {
      const selection = selectionOf(context, project);
      try {
        await reproduce(context, project);
      } finally {
        const places = project.judgedBy(selection);
        found.reasons = { wakes: wakesOf(project, places), places };
      }
    });
  } catch (error) {
    if (!(error instanceof PipelineError) || context.signal.aborted) throw error;
    context.tell(error);
  }
  return found.reasons ?? { wakes: await mends(root), places: [] };
}

/** What the run was judged by, and nothing else: whatever its stages write would wake it again without end. */
function wakesOf(project: Project, judgedBy: readonly string[]): Wakes {
  const places = new Set(judgedBy);
  const outs = new Set<string>(project.pipeline.stages.flatMap((stage) => stage.outs.map((out) => out.path)));
  return (path) => {
    if (outs.has(path) || isBelow(path, outs)) return false;
    // Ours to write, and no content of the folder it is in.
    return places.has(path) || (isBelow(path, places) && basename(path) !== '.gitignore');
  };
}

function isBelow(path: string, folders: ReadonlySet<string>): boolean {
  return parentsOf(path).some((folder) => folders.has(folder));
}

/** What can mend a project that cannot be opened: its text files. Nothing ran, so that the lock was not written by us. */
async function mends(root: string): Promise<Wakes> {
  const { readPipeline } = await import('../read/pipeline.ts');
  const { files } = readPipeline({ load: (file) => readIfExists(join(root, file)) });
  return (path) => path === LOCKFILE || files.includes(path);
}

function say(context: CommandContext, event: Record<string, unknown>, text: string): void {
  if (context.json) printJson(context, event);
  else context.print(text);
}

interface Changes {
  /** Where something changed since the last call that is reason for a run, once all is quiet. */
  next(wakes: Wakes): Promise<readonly string[]>;
  /** Watches those of the places, too, that lie outside: code of a linked package, what managers of packages write above. */
  follow(places: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

async function watchFiles(root: string, { signal, emit }: CommandContext): Promise<Changes> {
  const { watch: observe } = await import('chokidar');
  const pending = new Set<string>();
  let wake: () => void = () => undefined;
  let counts: Wakes = ALL;
  let fault: unknown;
  const watchers: FSWatcher[] = [];
  signal.addEventListener('abort', () => wake(), { once: true });

  async function begin(paths: readonly string[]): Promise<void> {
    // With `atomic`, names that look like an editor's backups would be left out, and a dep may have one.
    const watcher = observe([...paths], {
      ignoreInitial: true,
      atomic: false,
      ignored: (path) => isUnwatched(root, path),
    });
    watchers.push(watcher);
    watcher.on('all', (_, full) => {
      const path = relative(root, full).split(sep).join('/');
      if (!counts(path)) return;
      pending.add(path);
      wake();
    });
    const isReady = new Promise<void>((resolve) => watcher.once('ready', () => resolve()));
    const hasFailed = new Promise<void>((resolve) => {
      watcher.on('error', (error) => {
        const isLimit = isSystemError(error, 'ENOSPC', 'EMFILE');
        // What cannot be looked at is no dep of a run that succeeds.
        if (isSystemError(error) && !isLimit) return emit({ type: 'warned', problem: unseen(error) });
        fault ??= isLimit ? overLimit(error) : error;
        resolve();
        wake();
      });
    });
    await Promise.race([isReady, hasFailed]);
  }

  const followed = new Set<string>();
  await begin([root]);
  return {
    async follow(places) {
      const outside = places.filter((path) => path.startsWith('../') && !followed.has(path));
      for (const path of outside) followed.add(path);
      // Of what is not there, the folder above could be anything.
      const there = outside
        .map((path) => join(root, path))
        .filter((path) => !isUnwatched(root, path) && statIfExists(path));
      if (there.length > 0) await begin(there);
    },
    async next(wakes) {
      if (fault) throw fault;
      counts = wakes;
      for (const path of pending) if (!wakes(path)) pending.delete(path);
      await new Promise<void>((resolve) => {
        let timer: NodeJS.Timeout | undefined;
        wake = () => {
          clearTimeout(timer);
          timer = setTimeout(resolve, signal.aborted ? 0 : QUIET_MS);
        };
        // What came while a run went on may be half of what comes.
        if (pending.size > 0 || signal.aborted) wake();
      });
      if (fault) throw fault;
      wake = () => undefined;
      counts = ALL;
      const changed = [...pending].sort();
      pending.clear();
      return changed;
    },
    close: async () => void (await Promise.all(watchers.map((watcher) => watcher.close()))),
  };
}

function unseen({ path = '(unknown)', code }: NodeJS.ErrnoException): Problem {
  return {
    code: 'watch.denied',
    message: `"${path}" cannot be looked at (${code}), so that changes in it are not seen`,
    hint: 'look at it with "ls -l", and give yourself the right to it or mend the link, if the project needs it',
  };
}

function overLimit({ code }: NodeJS.ErrnoException): PipelineError {
  // Of watchers there may be fewer than of what they watch; each is an open file, too.
  const limit =
    code === 'EMFILE'
      ? '"sysctl fs.inotify.max_user_instances" shows it, or "ulimit -n"; 1024 is a usual one'
      : '"sysctl fs.inotify.max_user_watches" shows it; 1048576 is a usual one';
  return new PipelineError('watch.limit', `the system watches no more files for you (${code})`, {
    exit: EXIT.failed,
    hint: `raise its limit (${limit}), or close other watchers`,
  });
}

/** While a run goes on: by what it is judged is known at its end. */
const ALL: Wakes = () => true;

/** What is ours or git's, and installed packages, which are too many files. */
function isUnwatched(root: string, path: string): boolean {
  const parts = relative(root, path).split(sep);
  return parts.some(
    (part) => /^(\.git|node_modules|\.lockstep(-.*)?)$/.test(part) || ownerOfTemp(part) !== undefined,
  );
}
