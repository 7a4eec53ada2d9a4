import { EXIT, PipelineError } from '../base/error.ts';
import { padColumns } from '../base/display-width.ts';
import { formatReason } from '../base/reason.ts';
import { didYouMean, formatDuration, oneLine, widest } from '../base/text.ts';
import { findRoot } from '../ground.ts';
import { pathOfMutex } from '../io/mutex-mark.ts';
import { listRuns, readRun, replayRun } from '../record/history.ts';
import type { RunState, StageState } from '../base/run-state.ts';
import { join } from 'node:path';
import { formatEventLine } from '../listeners/event-line.ts';
import { printJson, textFlag } from './command.ts';
import type { Command, CommandContext } from './command.ts';

const log: Command = {
  summary: 'List past runs, or the stages of one',
  usage: '[RUN]',
  flags: { last: { type: 'string', short: 'n', value: 'N', help: 'so many runs (default 20)' } },
  examples: ['lockstep log', 'lockstep log -n 5', 'lockstep log 20260317T103000123-1a2b'],
  maxArgs: 1,
  run: async (context) => {
    const stateDir = join(findRoot(context.dir), '.lockstep');
    const runs = listRuns(stateDir);
    const [wanted] = context.args;
    if (wanted !== undefined) {
      const id = runs.find((run) => run === wanted) ?? runs.find((run) => run.startsWith(wanted));
      if (id === undefined)
        throw new PipelineError('run.unknown', `there is no run "${wanted}"`, {
          hint: didYouMean(wanted, runs) ?? 'see "lockstep log"',
        });
      const events = readRun(stateDir, id);
      if (context.json) for (const event of events) context.print(formatEventLine(event));
      else {
        const state = replayRun(events);
        context.print(formatRun(state, id, await goesOn(stateDir, state)));
      }
      return EXIT.ok;
    }
    // One at a time: a run of a large pipeline takes tens of megabytes.
    for (const id of runs.slice(0, countOf(context))) {
      const state = replayRun(readRun(stateDir, id));
      const isLive = await goesOn(stateDir, state);
      if (context.json) printJson(context, toRow(id, state, isLive));
      else context.print(formatRow(id, state, isLive));
    }
    if (runs.length === 0 && !context.json) context.print('Nothing has run here yet.\n');
    return EXIT.ok;
  },
};

export default log;

function countOf(context: CommandContext): number {
  const text = textFlag(context, 'last') ?? '20';
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new PipelineError('cli.value', `"--last" takes a whole number above 0, not "${text}"`, {
    hint: 'for example --last 5',
  });
}

/** True of a run without an end that began when the workspace was taken by whoever holds it still. */
async function goesOn(stateDir: string, { outcome, startedAt }: RunState): Promise<boolean> {
  if (outcome !== undefined || startedAt === undefined) return false;
  const { readHolder } = await import('../io/mutex.ts');
  const holder = readHolder(pathOfMutex(stateDir, 'workspace'));
  return holder !== undefined && startedAt >= Date.parse(holder.since);
}

function toRow(id: string, state: RunState, isLive: boolean): Record<string, unknown> {
  return {
    run: id,
    outcome: state.outcome ?? unended(isLive),
    startedAt: state.startedAt,
    durationMs: state.durationMs,
    stages: countOutcomes(state),
  };
}

function unended(isLive: boolean): string {
  return isLive ? 'running' : 'cut off';
}

function countOutcomes(state: RunState): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of state.stages.values())
    if (outcome !== undefined) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

/** `20260317T103000123-1a2b  succeeded  1.9s   2 ran, 1 fresh`; a run without an end was cut off, or goes on. */
function formatRow(id: string, state: RunState, isLive: boolean): string {
  const counts = Object.entries(countOutcomes(state)).map(([outcome, count]) => `${count} ${outcome}`);
  const duration = state.durationMs === undefined ? '' : formatDuration(state.durationMs);
  return `${id}  ${(state.outcome ?? unended(isLive)).padEnd(9)}  ${duration.padStart(7)}  ${counts.join(', ')}\n`;
}

/** A run for people: its row, and a line for each stage. */
export function formatRun(state: RunState, id: string, isLive = false): string {
  const stages = [...state.stages.values()];
  const width = Math.max(
    5,
    widest(stages, ({ stage }) => stage),
  );
  return `${formatRow(id, state, isLive)}\n${stages.map((stage) => formatStage(stage, { width, isLive })).join('')}`;
}

/** The first reason, and how many more there are. */
function formatWhy([first, ...rest]: StageState['reasons']): string {
  if (!first) return '';
  return rest.length === 0 ? formatReason(first) : `${formatReason(first)} (and ${rest.length} more)`;
}

function formatStage(
  { stage, phase, outcome, durationMs, reasons, problem }: StageState,
  { width, isLive }: { readonly width: number; readonly isLive: boolean },
): string {
  const duration = durationMs === undefined ? '' : formatDuration(durationMs);
  // Of a module's error the sentence is whatever was thrown.
  const why = oneLine(problem?.message ?? formatWhy(reasons));
  const how = outcome ?? (isLive && phase === 'waiting' ? phase : unended(isLive));
  return `  ${padColumns(stage, width)}  ${how.padEnd(8)}  ${duration.padStart(7)}  ${why}\n`;
}
