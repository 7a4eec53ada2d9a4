import { join } from 'node:path';
import { EXIT, PipelineError } from '../base/error.ts';
import type { Remote } from '../base/remote.ts';
import { didYouMean } from '../base/text.ts';
import type { RelPath } from '../base/types.ts';
import { useRemote } from '../transfer/use-remote.ts';
import { readIfExists } from '../io/files.ts';
import type { Project } from '../project.ts';
import type { NamedRemote, Remotes } from '../read/remotes.ts';
import type { CommandContext, Flag } from './command.ts';

/** Flags of the commands that move bytes. */
export const TRANSFER_FLAGS: Readonly<Record<string, Flag>> = {
  remote: { type: 'string', short: 'r', value: 'NAME', help: 'this remote instead of the default one' },
  jobs: {
    type: 'string',
    short: 'j',
    value: 'N',
    help: "requests under way at once, instead of the remote's",
  },
  'dry-run': { type: 'boolean', short: 'n', help: 'say what would move, and move nothing' },
};

/** Reads remotes.yaml where no project is open. Throws all its problems at once. */
export async function loadRemotes(context: CommandContext, root: string): Promise<Remotes> {
  const { readRemotes } = await import('../read/remotes.ts');
  const load = (path: string): Uint8Array | undefined => readIfExists(join(root, path));
  const { remotes, problems } = readRemotes({ load, env: (name) => context.env[name] });
  if (!remotes) throw PipelineError.of(problems);
  return remotes;
}

/** The remote a command uses when an out does not name its own. Throws `remote.none` or `remote.unknown`. */
export function chooseRemote(remotes: Remotes, asked: string | undefined): string {
  if (asked !== undefined) return findConfig(remotes, asked).name;
  const names = Object.keys(remotes.remotes);
  const name = remotes.default ?? (names.length === 1 ? names[0] : undefined);
  if (name !== undefined) return name;
  throw new PipelineError(
    'remote.none',
    names.length === 0 ? 'this project has no remote' : 'remotes.yaml names no default remote',
    {
      exit: EXIT.user,
      hint:
        names.length === 0
          ? 'add one with "lockstep remote add NAME URL"'
          : `name one with --remote (${names.join(', ')}), or add "default:" to remotes.yaml`,
    },
  );
}

/** Which remote to open, and with what. */
export interface RemoteChoice {
  readonly root: string;
  readonly remotes: Remotes;
  readonly name: string;
  /** Outs and data: no remote may lie in one. */
  readonly taken: readonly RelPath[];
  readonly clock: Project['clock'];
  /** How many requests may be under way at once; without it, what the remote's options say. */
  readonly jobs?: number | undefined;
  /** Hears of long waits before another try. */
  readonly emit?: Project['emit'];
}

/** What remotes.yaml says of a remote, be it usable or not. Throws `remote.unknown`. */
export function findConfig({ remotes }: Remotes, name: string): NamedRemote {
  // A name may be one that every object inherits: `constructor`.
  const config = Object.hasOwn(remotes, name) ? remotes[name] : undefined;
  if (config) return config;
  throw new PipelineError('remote.unknown', `there is no remote "${name}" in remotes.yaml`, {
    exit: EXIT.user,
    hint: didYouMean(name, Object.keys(remotes)) ?? 'add it with "lockstep remote add NAME URL"',
  });
}

/** The same of one that can be used. Throws also the `problem` it has. */
export function configOf(remotes: Remotes, name: string): NamedRemote {
  const config = findConfig(remotes, name);
  if (config.problem) throw PipelineError.of([config.problem]);
  return config;
}

/** Opens a remote by name, does something with it, and closes it. */
export async function withRemote<T>(
  context: CommandContext,
  { root, remotes, name, taken, clock, jobs, emit }: RemoteChoice,
  act: (remote: Remote) => Promise<T>,
): Promise<T> {
  const config = configOf(remotes, name);
  const { signal, env } = context;
  const options = jobs === undefined ? config.options : { ...config.options, jobs };
  return useRemote({ ...config, options }, { root, env, taken, clock, signal, emit }, act);
}
