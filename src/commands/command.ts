import { PipelineError } from '../base/error.ts';
import type { ExitCode } from '../base/error.ts';
import type { Emit, Listener } from '../base/event.ts';
import { closing } from '../execute/after-failure.ts';
import { keepDigits } from '../listeners/event-line.ts';
import type { Selection } from '../plan/plan.ts';
import { selectStages } from '../plan/select.ts';
import { ProjectChanged, openProject, openUnlessSettled } from '../project.ts';
import type { Answer, Project, ProjectOptions } from '../project.ts';
import type { ProjectNames } from './completion/project-names.ts';
import type { Phases } from './phases.ts';

/** One flag of a command. */
export interface Flag {
  readonly type: 'boolean' | 'string';
  readonly short?: string;
  readonly multiple?: true;
  /** What stands for the value in help, e.g. `N`. */
  readonly value?: string;
  readonly help: string;
}

/** Flags as given; `undefined` for those that are not. */
export type Flags = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** What a command is given: everything it may use of the process. */
export interface CommandContext {
  readonly args: readonly string[];
  readonly flags: Flags;
  /** The folder to work in: the current one, or what `-C` names. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The words as typed, for those who wait for us. */
  readonly line: string;
  readonly json: boolean;
  /** Results for people or programs; events go their own way. */
  readonly print: (text: string) => void;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  /** Lets a listener hear what follows (the history of a run), until what it gives back is called, or to the end. */
  readonly listen: (listener: Listener) => () => Promise<void>;
  /** Tells an error without ending the command. */
  readonly tell: (error: PipelineError) => void;
  readonly waitMs: number;
  readonly phases: Phases;
}

/** One subcommand: a declaration and an action. The file's name is the command's. */
export interface Command {
  readonly summary: string;
  /** Positional arguments in help, e.g. `[STAGE …]`. */
  readonly usage: string;
  readonly flags: Readonly<Record<string, Flag>>;
  readonly examples: readonly string[];
  /** How many positional arguments are taken at most; none given = any number. */
  readonly maxArgs?: number;
  /** What may follow these arguments, where the names in `usage` do not say it. */
  readonly complete?: (
    args: readonly string[],
    names: () => Promise<ProjectNames>,
  ) => Promise<readonly string[]>;
  run(context: CommandContext): Promise<ExitCode>;
}

/** How a command opens its project. */
export interface Opening<T> extends Pick<ProjectOptions, 'locked' | 'forced'> {
  /** The answer where nothing moved since nothing was to be done; without it the project is judged in any case. */
  readonly settled?: (answer: Answer) => T;
}

/** Opens the project of a command and closes it whatever happens; once more where it changed while the command waited for another. */
export async function withProject<T>(
  context: CommandContext,
  act: (project: Project) => Promise<T>,
  opening: Opening<T> = {},
): Promise<T> {
  for (;;) {
    try {
      return await withProjectAsItIs(context, act, opening);
    } catch (error) {
      if (!(error instanceof ProjectChanged)) throw error;
    }
  }
}

async function withProjectAsItIs<T>(
  context: CommandContext,
  act: (project: Project) => Promise<T>,
  { settled, ...options }: Opening<T>,
): Promise<T> {
  const { dir, env, line, emit, signal, waitMs, phases } = context;
  const how = { dir, env, command: line, emit, signal, waitMs, ...options };
  if (!settled) return useProject(context, await phases.time('read', () => openProject(how)), act);
  const opened = await phases.time('read', () => openUnlessSettled(how));
  return 'answer' in opened ? settled(opened.answer) : useProject(context, opened, act);
}

async function useProject<T>(
  { phases }: CommandContext,
  project: Project,
  act: (project: Project) => Promise<T>,
): Promise<T> {
  return closing(
    () => phases.time('execute', () => act(phases.watch(project))),
    () => phases.time('record', async () => project.close()),
  );
}

/** Flags of the commands that choose stages. */
export const SELECT_FLAGS: Readonly<Record<string, Flag>> = {
  downstream: { type: 'boolean', help: 'the named stages and all that read from them' },
  single: { type: 'boolean', short: 's', help: 'the named stages only, nothing upstream' },
};

/** The stages that words and flags of a command mean. Throws `stage.unknown`, `cli.arguments`. */
export function selectionOf(context: CommandContext, { graph, folder }: Project): Selection {
  if (isSet(context, 'downstream') && isSet(context, 'single'))
    throw new PipelineError('cli.arguments', '"--downstream" and "--single" exclude each other', {
      hint: 'keep one of them',
    });
  return selectStages(graph, {
    targets: context.args,
    folder,
    downstream: isSet(context, 'downstream'),
    single: isSet(context, 'single'),
    force: isSet(context, 'force'),
  });
}

/** True when a command is asked for what it does in the whole project, to be told as it always is. */
export function asksPlainly({ args, flags, json }: CommandContext): boolean {
  const given = Object.keys(flags).filter((name) => flags[name] !== undefined && flags[name] !== false);
  return args.length === 0 && !json && given.every((name) => CHANGE_NOTHING.has(name));
}

const CHANGE_NOTHING: ReadonlySet<string> = new Set(['dir', 'wait', 'profile', 'quiet']);

export function isSet(context: CommandContext, flag: string): boolean {
  return context.flags[flag] === true;
}

export function textFlag(context: CommandContext, flag: string): string | undefined {
  const value = context.flags[flag];
  return typeof value === 'string' ? value : undefined;
}

/** The value of `--jobs`; `undefined` when it is not given. Throws `cli.value`. */
export function jobsOf(context: CommandContext): number | undefined {
  const text = textFlag(context, 'jobs');
  if (text === undefined) return undefined;
  const jobs = /^\d+$/.test(text) ? Number(text) : 0;
  if (jobs >= 1 && jobs <= MAX_JOBS) return jobs;
  throw new PipelineError('cli.value', `"--jobs" takes a whole number from 1 to ${MAX_JOBS}, not "${text}"`, {
    hint: 'for example --jobs 2',
  });
}

/** More connections or processes than this are no faster, and ports run out. */
const MAX_JOBS = 1024;

/** Prints one JSON value as a line; whole numbers that a double cannot hold keep their digits. */
export function printJson(context: CommandContext, value: unknown): void {
  context.print(`${JSON.stringify(value, keepDigits)}\n`);
}
