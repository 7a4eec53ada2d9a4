import type { RunState, StageState } from '../../base/run-state.ts';
import { formatBytes, formatCount, formatDuration } from '../../base/text.ts';
import { cutEnd, fitName } from './cut.ts';
import { formatReasons } from './details.ts';
import type { Style } from './style.ts';
import type { TransferState } from './transfer.ts';

export interface LiveView {
  readonly state: RunState;
  /** Epoch ms. */
  readonly now: number;
  /** Stage → when its next attempt starts, epoch ms. */
  readonly retryAt: ReadonlyMap<string, number>;
  readonly transfers: readonly TransferState[];
}

export interface LiveLayout {
  readonly style: Style;
  readonly columns: number;
  readonly rows: number;
  /** Columns of the longest name. */
  readonly nameWidth: number;
}

/** More rows than this say less. */
const MAX_STAGES = 12;
const ELAPSED_WIDTH = 7;

/**
 * What is going on, a line each: running stages in the order of the plan, transfers, and at the bottom how far the
 * run is. No line reaches the last column; none at all when nothing is going on.
 */
export function formatLiveArea(view: LiveView, layout: LiveLayout): readonly string[] {
  const { state, now } = view;
  const { style, columns } = layout;
  const spinner = style.spinner[Math.floor(now / 100) % style.spinner.length] ?? '';
  const mark = style.paint(spinner, 'cyan');
  const lines: string[] = [];
  if (state.startedAt !== undefined && state.outcome === undefined) {
    const stages = [...state.stages.values()];
    const active = stages.filter(({ phase }) => phase !== 'waiting' && phase !== 'done');
    const room = Math.max(1, Math.min(MAX_STAGES, layout.rows - 4));
    const shown = active.length <= room ? active : active.slice(0, room - 1);
    for (const stage of shown) lines.push(formatStage(stage, mark, view, layout));
    if (shown.length < active.length)
      lines.push(style.paint(style.words(`  … and ${active.length - shown.length} more running`), 'dim'));
    const elapsed = formatDuration(now - state.startedAt);
    if (stages.length === 0) lines.push(`${mark} looking for what changed  ${style.paint(elapsed, 'dim')}`);
    else lines.push(formatCounts(stages, active.length, elapsed, style));
  }
  for (const transfer of view.transfers) lines.push(formatTransfer(transfer, mark, layout));
  return lines.map((line) => cutEnd(line, columns - 1, style.words('…')));
}

function formatStage(stage: StageState, mark: string, view: LiveView, layout: LiveLayout): string {
  const { style, nameWidth } = layout;
  const elapsed = formatDuration(view.now - (stage.startedAt ?? view.now)).padStart(ELAPSED_WIDTH);
  const waits = stage.phase === 'retrying';
  const symbol = waits ? style.paint(style.symbols.retry, 'yellow') : mark;
  const name = fitName(stage.stage, nameWidth, style.words('…'));
  return `${symbol} ${name}  ${style.paint(elapsed, 'dim')}  ${formatDoing(stage, view, layout)}`.trimEnd();
}

function formatDoing(stage: StageState, { now, retryAt }: LiveView, { style, columns }: LiveLayout): string {
  if (stage.phase === 'retrying') {
    const left = Math.max(0, (retryAt.get(stage.stage) ?? now) - now);
    return style.paint(
      `attempt ${stage.attempt} failed, next in ${formatDuration(Math.ceil(left / 1000) * 1000)}`,
      'yellow',
    );
  }
  if (stage.phase === 'committing') return style.paint('saving its outs', 'dim');
  const parts: string[] = [];
  if (stage.attempt > 1) parts.push(style.paint(`attempt ${stage.attempt}`, 'yellow'));
  const { progress } = stage;
  if (progress === undefined) parts.push(style.paint(style.words(formatReasons(stage.reasons)), 'dim'));
  else {
    const { done, total, label } = progress;
    if (total === undefined) parts.push(formatAmount(done));
    else
      parts.push(formatBar(done, total, { style, columns }), `${formatAmount(done)}/${formatAmount(total)}`);
    if (label !== undefined) parts.push(style.paint(label.replace(/[\p{Cc}\s]+/gu, ' '), 'dim'));
  }
  return parts.filter((part) => part !== '').join('  ');
}

function formatAmount(value: number): string {
  return Number.isInteger(value) ? formatCount(value) : value.toFixed(1);
}

/** A bar as wide as the terminal has room for; empty in a narrow one. */
function formatBar(
  done: number,
  total: number,
  { style, columns }: Pick<LiveLayout, 'style' | 'columns'>,
): string {
  const width = columns >= 90 ? 24 : columns >= 64 ? 12 : 0;
  if (width === 0) return '';
  const share = total > 0 ? Math.min(1, Math.max(0, done / total)) : 0;
  const full = Math.floor(share * width);
  return (
    style.paint(style.barDone.repeat(full), 'cyan') + style.paint(style.barLeft.repeat(width - full), 'dim')
  );
}

function formatCounts(stages: readonly StageState[], running: number, elapsed: string, style: Style): string {
  const count = (test: (stage: StageState) => boolean): number => stages.filter(test).length;
  const done = count(({ phase }) => phase === 'done');
  const failed = count(({ outcome }) => outcome === 'failed');
  const blocked = count(({ outcome }) => outcome === 'blocked');
  const waiting = count(({ phase }) => phase === 'waiting');
  const parts = [`${done} of ${stages.length} done`];
  if (running > 0) parts.push(`${running} running`);
  if (waiting > 0) parts.push(`${waiting} waiting`);
  const dot = style.words(' · ');
  const head = style.paint(`  ${parts.join(dot)}`, 'dim');
  const bad: string[] = [];
  if (failed > 0) bad.push(style.paint(`${failed} failed`, 'red'));
  if (blocked > 0) bad.push(style.paint(`${blocked} blocked`, 'yellow'));
  return [head, ...bad, style.paint(elapsed, 'dim')].join(style.paint(dot, 'dim'));
}

function formatTransfer(transfer: TransferState, mark: string, { style, columns }: LiveLayout): string {
  const { objects, size, doneObjects, doneSize, rate } = transfer;
  const what = transfer.direction === 'push' ? `push to ${transfer.remote}` : `fetch from ${transfer.remote}`;
  const parts = [
    what,
    formatBar(size > 0 ? doneSize : doneObjects, size > 0 ? size : objects, { style, columns }),
  ];
  parts.push(
    `${formatCount(doneObjects)}/${formatCount(objects)}`,
    `${formatBytes(doneSize)} of ${formatBytes(size)}`,
  );
  if (rate !== undefined) {
    parts.push(`${formatBytes(rate)}/s`);
    if (rate > 0 && size > doneSize)
      parts.push(style.paint(`${formatDuration(Math.ceil((size - doneSize) / rate) * 1000)} left`, 'dim'));
  }
  return `${mark} ${parts.filter((part) => part !== '').join('  ')}`;
}
