import { padColumns } from '../base/display-width.ts';
import { PipelineError } from '../base/error.ts';
import type { ExitCode } from '../base/error.ts';
import { formatCount, plural, visible, widest } from '../base/text.ts';
import { compareRemote } from '../transfer/compare-remote.ts';
import type { Comparison, Whereabouts } from '../transfer/compare-remote.ts';
import type { Project } from '../project.ts';
import { isSet, printJson, textFlag } from './command.ts';
import type { CommandContext } from './command.ts';
import type { Failure } from './routes.ts';
import { eachRemote, exitOf } from './routes.ts';

const WORDS: Readonly<Record<Whereabouts, { readonly left: string; readonly right: string }>> = {
  'only-here': { left: 'only here', right: '"lockstep push" sends it' },
  'only-there': { left: 'only there', right: '"lockstep pull" brings it' },
  nowhere: { left: 'nowhere', right: '"lockstep verify" says what helps' },
};

/** `status --remote`: what the lock names, and whether cache and remote have it. With `--quiet` exit 1 if a push is due. */
export async function statusOfRemotes(context: CommandContext, project: Project): Promise<ExitCode> {
  let isPushDue = false;
  const routing = { asked: textFlag(context, 'name'), runCache: false };
  let failures: readonly Failure[];
  try {
    failures = await eachRemote(context, project, routing, async (remote, { name, artifacts }) => {
      const { cache, signal } = project;
      const comparison = await compareRemote({
        cache,
        remote,
        artifacts: artifacts.map((item) => item.artifact),
        signal,
      });
      // Git keeps it: neither side must have it.
      const inGit = new Set<string>(artifacts.filter((item) => item.inGit).map((item) => item.artifact.path));
      const differences = comparison.differences.filter(
        ({ path, state }) => state !== 'nowhere' || !inGit.has(path),
      );
      isPushDue ||= differences.some(({ state }) => state === 'only-here');
      if (isSet(context, 'quiet')) return;
      const { objects } = comparison;
      if (!context.json)
        return context.print(formatComparison(name, artifacts.length, { objects, differences }));
      printJson(context, { remote: name, artifacts: artifacts.length, objects, differences });
    });
  } catch (error) {
    throw await withRemoteHint(context, project, error);
  }
  return exitOf(failures, !(isSet(context, 'quiet') && isPushDue));
}

/** `--remote` alone means the default one here, so a name after it looks like a stage. */
async function withRemoteHint(context: CommandContext, project: Project, error: unknown): Promise<unknown> {
  if (!(error instanceof PipelineError) || error.code !== 'stage.unknown') return error;
  const { remotes } = await project.remotes();
  const meant = context.args.find((word) => Object.hasOwn(remotes, word));
  if (meant === undefined) return error;
  return new PipelineError(error.code, error.message, {
    exit: error.exit,
    hint: `a remote is named with -r: lockstep status -r ${meant}`,
  });
}

function formatComparison(name: string, artifacts: number, { objects, differences }: Comparison): string {
  const whole = `${plural(objects, 'object')} of ${plural(artifacts, 'artifact')}`;
  if (artifacts === 0) return `pipeline.lock names nothing that goes to ${name}.\n`;
  if (differences.length === 0) return `Cache and ${name} are equal: ${whole}.\n`;
  const width = Math.min(
    48,
    widest(differences, ({ path }) => visible(path)),
  );
  const digits = widest(differences, (one) => formatCount(one.objects));
  const rows = differences.map((one) => {
    const { left, right } = WORDS[one.state];
    const count = `${formatCount(one.objects).padStart(digits)} ${one.objects === 1 ? 'object ' : 'objects'}`;
    return `${padColumns(visible(one.path), width)}  ${left.padEnd(10)}  ${count}  ${right}\n`;
  });
  return `${rows.join('')}\n${name}: ${whole}; ${plural(differences.length, 'difference')}\n`;
}
