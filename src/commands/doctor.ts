import { EXIT } from '../base/error.ts';
import { plural, visible } from '../base/text.ts';
import { gitPlace } from '../execute/repository.ts';
import { findPlace } from '../ground.ts';
import type { Place } from '../ground.ts';
import { isSet, printJson } from './command.ts';
import type { Command, CommandContext } from './command.ts';
import { failedCheck } from './doctor/check.ts';
import type { Check } from './doctor/check.ts';
import { checkClock } from './doctor/clock.ts';
import { checkDisk } from './doctor/disk.ts';
import { readFiles } from './doctor/files.ts';
import { checkGit } from './doctor/git.ts';
import { checkLeftovers } from './doctor/leftovers.ts';
import { checkNode, checkPackage } from './doctor/package.ts';
import { checkRemotes } from './doctor/remotes.ts';
import { outsAndData } from './routes.ts';

const doctor: Command = {
  summary: 'Look for what is wrong around a project: machine, disk, git, remotes, leftovers',
  usage: '',
  flags: {
    remotes: { type: 'boolean', help: 'also open each remote and list it (10 s for each)' },
  },
  examples: ['lockstep doctor', 'lockstep doctor --remotes', 'lockstep doctor --json'],
  maxArgs: 0,
  async run(context) {
    const counts = { ok: 0, warn: 0, fail: 0 };
    for await (const check of examine(context)) {
      counts[check.status]++;
      if (context.json) printJson(context, { type: 'check', ...check });
      else context.print(formatCheck(check));
    }
    if (context.json) printJson(context, { type: 'checked', ...counts });
    else context.print(formatCounts(counts));
    return counts.fail > 0 ? EXIT.failed : EXIT.ok;
  },
};

export default doctor;

async function* examine(context: CommandContext): AsyncGenerator<Check> {
  yield checkNode();
  yield* checkPackage();
  const place = placeOf(context.dir);
  if ('check' in place) {
    yield place;
    return;
  }
  const { root } = place;
  const files = yield* readFiles(place);
  yield* checkGit({ ...place, asked: gitPlace(root, context.env) }, files.pipeline);
  yield* checkDisk(root);
  yield* checkClock(root, { ...files, env: context.env });
  yield* checkLeftovers(root);
  yield* checkRemotes(context, {
    root,
    taken: files.pipeline ? outsAndData({ pipeline: files.pipeline }) : [],
    open: isSet(context, 'remotes'),
  });
}

function placeOf(dir: string): Place | Check {
  try {
    return findPlace(dir);
  } catch (error) {
    return failedCheck('project', error);
  }
}

/** `warn  links     …`, and below it what can be done now. */
function formatCheck({ check, status, message, cure }: Check): string {
  const below = cure === undefined ? '' : `      = cure: ${visible(cure)}\n`;
  return `${status.padEnd(4)}  ${check.padEnd(8)}  ${visible(message)}\n${below}`;
}

function formatCounts({ ok, warn, fail }: Record<Check['status'], number>): string {
  const all = plural(ok + warn + fail, 'check');
  if (warn + fail === 0) return `\n${all}: all is well.\n`;
  const parts = [fail > 0 && `${fail} failed`, warn > 0 && plural(warn, 'warning'), `${ok} ok`];
  return `\n${all}: ${parts.filter((part) => part !== false).join(', ')}.\n`;
}
