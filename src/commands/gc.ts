import { EXIT, PipelineError } from '../base/error.ts';
import { formatBytes, formatList, plural } from '../base/text.ts';
import { collectGarbage } from '../execute/garbage.ts';
import type { GarbageFound } from '../execute/garbage.ts';
import type { Clock } from '../io/clock.ts';
import { isSet, printJson, textFlag, withProject } from './command.ts';
import type { Command, CommandContext } from './command.ts';

const DAY_MS = 86_400_000;
const AGE_FLAGS = ['runs-older-than', 'history-older-than'] as const;
type AgeFlag = (typeof AGE_FLAGS)[number];

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
    'history-older-than': {
      type: 'string',
      value: 'DAYS',
      help: 'also forget what "lockstep log" tells of runs that began so long ago',
    },
  },
  examples: ['lockstep gc', 'lockstep gc --delete', 'lockstep gc --runs-older-than 30 --delete'],
  maxArgs: 0,
  run: (context) =>
    withProject(context, async (project) => {
      const runsBefore = instantOf(context, 'runs-older-than', project.clock);
      const historyBefore = instantOf(context, 'history-older-than', project.clock);
      using _cache = await project.takeCache('exclusive');
      const found = await collectGarbage({
        ...project,
        ...(runsBefore !== undefined && { runsBefore }),
        ...(historyBefore !== undefined && { historyBefore }),
        remove: isSet(context, 'delete'),
      });
      tell(context, found);
      return EXIT.ok;
    }),
};

export default gc;

/** So many days before now (epoch ms). */
function instantOf(context: CommandContext, flag: AgeFlag, clock: Pick<Clock, 'now'>): number | undefined {
  const text = textFlag(context, flag);
  if (text === undefined) return undefined;
  const days = Number(text);
  if (text.trim() !== '' && Number.isFinite(days) && days >= 0) return clock.now() - days * DAY_MS;
  throw new PipelineError('cli.value', `"--${flag}" takes a number of days, not "${text}"`, {
    hint: `for example --${flag} 30`,
  });
}

function tell(context: CommandContext, { objects, size, runs, history, unlisted }: GarbageFound): void {
  const deleted = isSet(context, 'delete');
  if (context.json)
    return printJson(context, { type: 'garbage', objects, size, runs, history, unlisted, deleted });
  const what = [
    ...(objects > 0 ? [`${plural(objects, 'object')}, ${formatBytes(size)}`] : []),
    ...(runs > 0 ? [plural(runs, 'run-cache result')] : []),
    ...(history > 0 ? [`the history of ${plural(history, 'run')}`] : []),
  ];
  if (what.length === 0) return context.print('Nothing to remove: everything in the cache is referred to.\n');
  if (objects > 0 && unlisted.length > 0)
    context.print(
      `The cache has no list of the files of ${formatList(unlisted)}: those of them that it has count as garbage; "lockstep verify" says how the list can be had again.\n`,
    );
  const all = what.join(', and ');
  context.print(
    deleted ? `Removed ${all}.\n` : `Would remove ${all}; "${commandOf(context)} --delete" does it.\n`,
  );
}

function commandOf(context: CommandContext): string {
  const ages = AGE_FLAGS.flatMap((flag) => {
    const days = textFlag(context, flag);
    return days === undefined ? [] : [`--${flag} ${days}`];
  });
  return ['lockstep gc', ...ages].join(' ');
}
