import type { Problem } from '../../base/error.ts';
import type { Event, Outcome } from '../../base/event.ts';
import { formatProblems } from '../../base/problem-text.ts';
import type { Paint, ReadLine } from '../../base/problem-text.ts';
import type { RunState, StageState } from '../../base/run-state.ts';
import { formatDuration, formatList, plural } from '../../base/text.ts';
import { cutEnd } from './cut.ts';
import { SYMBOL_COLOURS } from './style.ts';
import type { Style } from './style.ts';

type RunFinished = Extract<Event, { type: 'run-finished' }>;

const ORDER: readonly Outcome[] = ['ran', 'restored', 'fresh', 'failed', 'blocked', 'canceled'];

/** `3 stages: 1 ran, 2 fresh in 12.3s`, or that nothing was to do; one line with its end. Empty where an error says all. */
export function formatSummary({ outcome, counts, durationMs }: RunFinished, style: Style): string {
  const total = ORDER.reduce((sum, name) => sum + counts[name], 0);
  if (outcome === 'succeeded' && counts.fresh === total) return formatFresh(total);
  if (total === 0) return '';
  const parts = ORDER.filter((name) => counts[name] > 0).map((name) =>
    style.paint(`${counts[name]} ${name}`, SYMBOL_COLOURS[name]),
  );
  const head = outcome === 'canceled' ? `${style.paint('Canceled.', 'yellow')} ` : '';
  const list = parts.length > 0 ? `: ${parts.join(', ')}` : '';
  return `${head}${plural(total, 'stage')}${list} in ${formatDuration(durationMs)}\n`;
}

/** What is told when nothing is to be done. */
export function formatFresh(stages: number): string {
  return `Everything is fresh: ${plural(stages, 'stage')}, nothing to do.\n`;
}

export interface FailureOptions {
  readonly style: Style;
  readonly readLine: ReadLine;
  /** The last lines a stage wrote. */
  readonly lastLines: (stage: string) => readonly string[];
}

/** A line of output that is longer is cut: it is all in the history. */
const MAX_LINE = 300;
const MAX_BLOCKED = 12;
/** Where many stages fail, they mostly fail alike: the output of the first few is shown. */
const MAX_TAILS = 5;

/**
 * Everything about the stages that failed, in the order of the plan: the end of its output, the problem, and what
 * did not start because of it. Blocks begin with an empty line; no text when nothing failed.
 */
export function formatFailures(state: RunState, options: FailureOptions): string {
  const blocked = blockedBy(state);
  return [...state.stages.values()]
    .filter((stage) => stage.outcome === 'failed')
    .map((stage, i) => {
      const lines = i < MAX_TAILS ? options.lastLines(stage.stage) : [];
      return `\n${formatFailure(stage, { blocked: blocked.get(stage.stage) ?? [], lines }, options)}`;
    })
    .join('');
}

interface Consequences {
  readonly blocked: readonly string[];
  readonly lines: readonly string[];
}

function formatFailure(
  stage: StageState,
  { blocked, lines }: Consequences,
  { style, readLine }: FailureOptions,
): string {
  const { paint } = style;
  const attempts = stage.attempt > 1 ? ` ${stage.attempt} attempts` : '';
  const time = stage.durationMs === undefined ? '' : ` ${formatDuration(stage.durationMs)}`;
  const after = attempts + time === '' ? '' : ` after${attempts}${attempts && time ? ',' : ''}${time}`;
  let text = `${paint(`${style.symbols.failed} ${stage.stage} failed${after}`, 'boldRed')}\n`;
  if (lines.length > 0) {
    const last = lines.length === 1 ? 'last line' : `last ${lines.length} lines`;
    text += `${paint(`  the ${last} of its output:`, 'dim')}\n`;
    for (const line of lines)
      text += `  ${paint(style.gutter, 'dim')} ${cutEnd(line, MAX_LINE, style.words('…'))}`.trimEnd() + '\n';
    text += '\n';
  }
  if (stage.problem) text += formatError(stage.problem, readLine, style);
  if (blocked.length > 0)
    text += `${paint(`blocked by it: ${formatList(blocked, ', ', MAX_BLOCKED)}`, 'yellow')}\n`;
  return text;
}

/** A problem that stops nothing, as a block of lines. */
export function formatWarning(problem: Problem, readLine: ReadLine, style: Style): string {
  const paint = paintProblem(style);
  const text = formatProblems([problem], readLine, (text, piece) =>
    piece === 'error' ? style.paint(text.replace(/^error/, 'warning'), 'yellow') : paint(text, piece),
  );
  return style.words(text);
}

/** A problem in full, as a block of lines. */
export function formatError(problem: Problem, readLine: ReadLine, style: Style): string {
  return style.words(formatProblems([problem], readLine, paintProblem(style)));
}

function paintProblem(style: Style): Paint {
  return (text, piece) => {
    switch (piece) {
      case 'error':
        return style.paint(text, 'boldRed');
      case 'message':
        return style.paint(text, 'bold');
      case 'gutter':
        return style.paint(text, 'dim');
      case 'caret':
        return style.paint(text, 'red');
      case 'hint':
        return style.paint(text, 'cyan');
      default:
        return piece satisfies never;
    }
  };
}

/** Failed stage → the stages that did not start because of it, however far below. */
function blockedBy(state: RunState): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  const roots = new Map<string, ReadonlySet<string>>();
  const rootsOf = (name: string): ReadonlySet<string> => {
    const known = roots.get(name);
    if (known) return known;
    const result = new Set<string>();
    roots.set(name, result);
    const stage = state.stages.get(name);
    if (stage?.outcome === 'failed') result.add(name);
    else if (stage?.outcome === 'blocked') {
      for (const reason of stage.reasons) {
        if (reason.kind === 'upstream-failed') for (const root of rootsOf(reason.stage)) result.add(root);
      }
    }
    return result;
  };
  for (const { stage, outcome } of state.stages.values()) {
    if (outcome !== 'blocked') continue;
    for (const root of rootsOf(stage)) {
      const blocked = found.get(root);
      if (blocked) blocked.push(stage);
      else found.set(root, [stage]);
    }
  }
  return found;
}
