import { EXIT, PipelineError } from '../base/error.ts';
import { formatBytes, formatList, plural } from '../base/text.ts';
import { collectGarbage } from '../execute/garbage.ts';
import type { GarbageFound } from '../execute/garbage.ts';
import { isSet, printJson, textFlag, withProject } from './command.ts';
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
      const days = daysOf(context);
      using _cache = await project.takeCache('exclusive');
      const found = await collectGarbage({
        ...project,
        ...(days !== undefined && { runsBefore: project.clock.now() - days * DAY_MS }),
        remove: isSet(context, 'delete'),
      });
      tell(context, found);
      return EXIT.ok;
    }),
};

export default gc;

function daysOf(context: CommandContext): number | undefined {
  const text = textFlag(context, 'runs-older-than');
  if (text === undefined) return undefined;
  const days = Number(text);
  if (text.trim() !== '' && Number.isFinite(days) && days >= 0) return days;
  throw new PipelineError('cli.value', `"--runs-older-than" takes a number of days, not "${text}"`, {
    hint: 'for example --runs-older-than 30',
  });
}

function tell(context: CommandContext, { objects, size, runs, unlisted }: GarbageFound): void {
  const deleted = isSet(context, 'delete');
  if (context.json) return printJson(context, { type: 'garbage', objects, size, runs, unlisted, deleted });
  if (objects === 0 && runs === 0)
    return context.print('Nothing to remove: everything in the cache is referred to.\n');
  if (objects > 0 && unlisted.length > 0)
    context.print(
      `The cache has no list of the files of ${formatList(unlisted)}: those of them that it has count as garbage; "lockstep verify" says how the list can be had again.\n`,
    );
  const results = runs > 0 ? `, and ${plural(runs, 'run-cache result')}` : '';
  const what = `${plural(objects, 'object')}, ${formatBytes(size)}${results}`;
  context.print(
    deleted ? `Removed ${what}.\n` : `Would remove ${what}; "${commandOf(context)} --delete" does it.\n`,
  );
}

function commandOf(context: CommandContext): string {
  const days = textFlag(context, 'runs-older-than');
  return days === undefined ? 'lockstep gc' : `lockstep gc --runs-older-than ${days}`;
}
