import { EXIT } from '../base/error.ts';
import type { ExitCode } from '../base/error.ts';
import { visible } from '../base/text.ts';
import type { RelPath } from '../base/types.ts';
import { newData, staleData } from '../execute/data.ts';
import { partOf } from '../execute/incomplete.ts';
import { isSettled } from '../execute/settle.ts';
import { formatFresh } from '../listeners/console/summary.ts';
import { isFresh } from '../plan/decide.ts';
import type { Project } from '../project.ts';
import {
  SELECT_FLAGS,
  asksPlainly,
  isSet,
  printJson,
  selectionOf,
  textFlag,
  withProject,
} from './command.ts';
import type { Command, CommandContext } from './command.ts';
import { printPlan } from './repro.ts';
import { refuseProblems } from './tell-run.ts';

const status: Command = {
  summary: 'Say what is stale and why, without touching anything',
  usage: '[STAGE …]',
  flags: {
    ...SELECT_FLAGS,
    remote: { type: 'boolean', help: 'compare the cache with the default remote instead; nothing moves' },
    name: { type: 'string', short: 'r', value: 'NAME', help: 'compare with the remote of this name' },
    quiet: {
      type: 'boolean',
      short: 'q',
      help: 'print nothing; exit 1 when something is stale (with --remote: not pushed)',
    },
  },
  examples: [
    'lockstep status',
    'lockstep status features --json',
    'lockstep status --quiet || lockstep repro',
    'lockstep status --remote',
    'lockstep status -r backup',
  ],
  run: (context) =>
    withProject(
      context,
      async (project) => {
        if (!isSet(context, 'remote') && textFlag(context, 'name') === undefined)
          return statusOfStages(context, project);
        const { statusOfRemotes } = await import('./remote-status.ts');
        return statusOfRemotes(context, project);
      },
      asksPlainly(context) ? { settled: ({ stages }) => tellFresh(context, stages) } : {},
    ),
};

export default status;

function tellFresh(context: CommandContext, stages: number): ExitCode {
  if (!isSet(context, 'quiet')) context.print(formatFresh(stages));
  return EXIT.ok;
}

async function statusOfStages(context: CommandContext, project: Project): Promise<ExitCode> {
  const selection = selectionOf(context, project);
  const plan = await project.plan(selection);
  refuseProblems(plan);
  if (isSettled(project, plan)) project.noteSettled();
  const data = staleData(project).map(({ path }) => ({ data: path, state: stateOf(path, project) }));
  if (isSet(context, 'quiet')) {
    // A part is here by intent: there is nothing to do about it.
    const isAsRecorded = data.every(({ state }) => state === 'part');
    const fresh = isAsRecorded && plan.judgements.every(({ decision }) => isFresh(decision));
    return fresh ? EXIT.ok : EXIT.failed;
  }
  const unrecorded = new Set<string>(newData(project).map(({ path }) => path));
  for (const row of data) {
    if (context.json) printJson(context, row);
    else {
      const isNew = row.state === 'changed' && unrecorded.has(row.data);
      context.print(`data ${visible(row.data)} ${isNew ? 'is new' : WORDS[row.state]}\n`);
    }
  }
  printPlan(context, plan, data.filter(({ state }) => state !== 'part').length);
  return EXIT.ok;
}

const WORDS = {
  missing: 'is missing',
  part: 'is here in part',
  behind: 'is as it was before pipeline.lock changed',
  forked: 'was edited, and pipeline.lock changed as well',
  changed: 'changed',
} as const;

/** How a stale input differs from what is recorded. */
function stateOf(path: RelPath, { root, facts, recorder }: Project): keyof typeof WORDS {
  if (facts.observed(path).kind === 'missing') return 'missing';
  if (facts.isBehind(path)) return 'behind';
  if (facts.isForked(path)) return 'forked';
  return partOf(root, facts, recorder.dataOf(path)) ? 'part' : 'changed';
}
