import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, PipelineError } from '../base/error.ts';
import type { ExitCode } from '../base/error.ts';
import type { Remote } from '../base/remote.ts';
import { didYouMean } from '../base/text.ts';
import type { RelPath } from '../base/types.ts';
import { lockedArtifacts } from '../execute/checkout.ts';
import type { LockedArtifact } from '../execute/checkout.ts';
import { selectStages } from '../plan/select.ts';
import type { Project } from '../project.ts';
import { readRemotes } from '../read/remotes.ts';
import type { Remotes } from '../read/remotes.ts';
import { isSystemError } from '../base/error.ts';
import { textFlag } from './command.ts';
import type { CommandContext, Flag } from './command.ts';

/** Flags of the commands that move bytes. */
export const TRANSFER_FLAGS: Readonly<Record<string, Flag>> = {
  remote: { type: 'string', short: 'r', value: 'NAME', help: 'this remote instead of the default one' },
  'dry-run': { type: 'boolean', short: 'n', help: 'say what would move, and move nothing' },
};

/** What one transfer is about: a remote and the artifacts that go to it. */
export interface Route {
  readonly name: string;
  readonly artifacts: readonly LockedArtifact[];
}

/** Reads remotes.yaml. Throws all its problems at once. */
export function loadRemotes(context: CommandContext, root: string): Remotes {
  const load = (path: string): Uint8Array | undefined => {
    try {
      return readFileSync(join(root, path));
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return undefined;
      throw error;
    }
  };
  const { remotes, problems } = readRemotes({ load, env: (name) => context.env[name] });
  const [first, ...rest] = problems;
  if (first) throw PipelineError.of([first, ...rest]);
  return remotes ?? { remotes: {} };
}

/** The remote a command uses when an out does not name its own. Throws `remote.none` or `remote.unknown`. */
export function chooseRemote(context: CommandContext, remotes: Remotes): string {
  const names = Object.keys(remotes.remotes);
  const asked = textFlag(context, 'remote');
  if (asked !== undefined && !names.includes(asked)) {
    const hint = didYouMean(asked, names) ?? 'add it with "lockstep remote add NAME URL"';
    throw new PipelineError('remote.unknown', `there is no remote "${asked}" in remotes.yaml`, {
      exit: EXIT.user,
      hint,
    });
  }
  const name = asked ?? remotes.default ?? (names.length === 1 ? names[0] : undefined);
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

/** Opens a remote by name, does something with it, and closes it. */
export async function withRemote<T>(
  context: CommandContext,
  { root, remotes, name, clock }: { root: string; remotes: Remotes; name: string; clock: Project['clock'] },
  act: (remote: Remote) => Promise<T>,
): Promise<T> {
  const config = remotes.remotes[name];
  if (!config)
    throw new PipelineError('remote.unknown', `there is no remote "${name}" in remotes.yaml`, {
      exit: EXIT.user,
      hint: 'add it with "lockstep remote add NAME URL"',
    });
  if (config.problem) throw PipelineError.of([config.problem]);
  const { openRemote } = await import('../remotes/index.ts');
  const { signal, env } = context;
  const remote = await openRemote(
    { ...config, url: toPlace(config.url, root, env) },
    { signal, clock, random: Math.random, root },
  );
  try {
    return await act(remote);
  } finally {
    await remote.close?.();
  }
}

/** A folder's url becomes an absolute path; anything with a scheme stays. */
function toPlace(url: string, root: string, env: CommandContext['env']): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(url)) return url;
  if (url === '~' || url.startsWith('~/')) return join(env['HOME'] ?? '', url.slice(1));
  return url.startsWith('/') ? url : join(root, url);
}

/**
 * What the lock names (of the given stages or paths), grouped by the remote it belongs to. An out with a remote of its
 * own goes there only; naming another with --remote leaves it out.
 */
export function routeArtifacts(
  context: CommandContext,
  project: Project,
  remotes: Remotes,
): readonly Route[] {
  const only = pathsOf(context, project);
  const asked = textFlag(context, 'remote');
  const routes = new Map<string, LockedArtifact[]>();
  const wanted = lockedArtifacts(project.pipeline, project.recorder).filter(
    ({ artifact, push }) => push && (only === undefined || only.has(artifact.path)),
  );
  const needsDefault =
    wanted.some((item) => item.remote === undefined) || asked !== undefined || wanted.length === 0;
  const fallback = needsDefault ? chooseRemote(context, remotes) : '';
  if (needsDefault) routes.set(fallback, []);
  for (const item of wanted) {
    if (asked !== undefined && item.remote !== undefined && item.remote !== asked) continue;
    const name = item.remote ?? fallback;
    const route = routes.get(name);
    if (route) route.push(item);
    else routes.set(name, [item]);
  }
  return [...routes].map(([name, artifacts]) => ({ name, artifacts }));
}

/** The out and data paths that the command's arguments mean; `undefined` for all. */
export function pathsOf(context: CommandContext, project: Project): ReadonlySet<RelPath> | undefined {
  if (context.args.length === 0) return undefined;
  const paths = new Set<RelPath>();
  for (const word of context.args) {
    const path = word.replace(/\/+$/, '');
    const data = project.pipeline.data.find((input) => input.path === path);
    const out = project.pipeline.stages.flatMap((stage) => stage.outs).find((one) => one.path === path);
    const exact = data ?? out;
    if (exact) paths.add(exact.path);
    else {
      const selection = selectStages(project.graph, {
        targets: [word],
        downstream: false,
        single: true,
        force: false,
      });
      for (const name of selection.stages)
        for (const one of project.graph.stages.get(name)?.outs ?? []) paths.add(one.path);
    }
  }
  return paths;
}

export function exitOf(problems: number): ExitCode {
  return problems === 0 ? EXIT.ok : EXIT.failed;
}
