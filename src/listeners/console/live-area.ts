import type { RunState, StageState } from '../../base/run-state.ts';
import { formatBytes, formatCount, oneLine } from '../../base/text.ts';
import { addIfRoom, cutEnd, fitName } from './cut.ts';
import { formatElapsed, formatReasons, formatWait } from './details.ts';
import type { Style } from './style.ts';
import { formatWay } from './transfer.ts';
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
  const { state, now, transfers } = view;
  const { style, columns } = layout;
  const running = state.startedAt !== undefined && state.outcome === undefined;
  if (!running && transfers.length === 0) return [];
  const spinner = style.spinner[Math.floor(now / 100) % style.spinner.length] ?? '';
  const mark = style.paint(spinner, 'cyan');
  const stages = [...state.stages.values()];
  const active = running ? stages.filter(({ phase }) => phase !== 'waiting' && phase !== 'done') : [];
  const room = Math.max(1, Math.min(MAX_STAGES, layout.rows - 5));
  const shown = active.length <= room ? active : active.slice(0, room - 1);
  // What scrolls above has the same columns: an empty line keeps the two apart.
  const lines = ['', ...shown.map((stage) => formatStage(stage, mark, view, layout))];
  const hidden = active.length - shown.length;
  if (hidden > 0) lines.push(style.paint(style.words(`  … and ${hidden} more running`), 'dim'));
  for (const transfer of transfers) lines.push(formatTransfer(transfer, mark, layout));
  if (running) {
    const elapsed = formatElapsed(now - (state.startedAt ?? now));
    if (stages.length > 0) lines.push(formatCounts(stages, active.length, elapsed, style));
    else lines.push(`${mark} looking for what changed  ${style.paint(elapsed, 'dim')}`);
  }
  return lines.map((line) => cutEnd(line, columns - 1, style.words('…')));
}

function formatStage(stage: StageState, mark: string, view: LiveView, layout: LiveLayout): string {
  const { style, nameWidth } = layout;
  const elapsed = formatElapsed(view.now - (stage.startedAt ?? view.now)).padStart(ELAPSED_WIDTH);
  const waits = stage.phase === 'retrying';
  const symbol = waits ? style.paint(style.symbols.retry, 'yellow') : mark;
  const name = fitName(stage.stage, nameWidth, style.words('…'));
  return formatDoing(stage, view, layout).reduce(
    (line, part) => addIfRoom(line, part, { columns: layout.columns - 1, mark: style.words('…') }),
    `${symbol} ${name}  ${style.paint(elapsed, 'dim')}`,
  );
}

/** What a stage is at, the most telling first. */
function formatDoing(
  stage: StageState,
  { now, retryAt }: LiveView,
  { style, columns }: LiveLayout,
): readonly string[] {
  if (stage.phase === 'retrying') {
    const left = (retryAt.get(stage.stage) ?? now) - now;
    return [style.paint(`attempt ${stage.attempt} failed, next in ${formatWait(left)}`, 'yellow')];
  }
  if (stage.phase === 'committing') return [style.paint('saving its outs', 'dim')];
  const parts: string[] = [];
  if (stage.attempt > 1) parts.push(style.paint(`attempt ${stage.attempt}`, 'yellow'));
  const { progress } = stage;
  if (progress === undefined)
    return [...parts, style.paint(style.words(formatReasons(stage.reasons)), 'dim')];
  const { done, total, label } = progress;
  if (total === undefined) parts.push(formatAmount(done));
  else parts.push(formatBar(done, total, { style, columns }), `${formatAmount(done)}/${formatAmount(total)}`);
  if (label !== undefined) parts.push(style.paint(oneLine(label), 'dim'));
  return parts;
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
  // What went wrong stands first: a narrow terminal cuts the end.
  const parts = [style.paint(`  ${done} of ${stages.length} done`, 'dim')];
  if (failed > 0) parts.push(style.paint(`${failed} failed`, 'red'));
  if (blocked > 0) parts.push(style.paint(`${blocked} blocked`, 'yellow'));
  if (running > 0) parts.push(style.paint(`${running} running`, 'dim'));
  if (waiting > 0) parts.push(style.paint(`${waiting} waiting`, 'dim'));
  return [...parts, style.paint(elapsed, 'dim')].join(style.paint(style.words(' · '), 'dim'));
}

function formatTransfer(transfer: TransferState, mark: string, { style, columns }: LiveLayout): string {
  const { objects, size, doneObjects, doneSize, rate } = transfer;
  const [done, total] = size > 0 ? [doneSize, size] : [doneObjects, objects];
  const parts = [
    `${transfer.direction} ${formatWay(transfer)}`,
    formatBar(done, total, { style, columns }),
    `${formatCount(doneObjects)}/${formatCount(objects)}`,
    `${formatBytes(doneSize)} of ${formatBytes(size)}`,
  ];
  if (rate !== undefined) {
    parts.push(`${formatBytes(rate)}/s`);
    if (rate > 0 && size > doneSize)
      parts.push(style.paint(`${formatWait(((size - doneSize) / rate) * 1000)} left`, 'dim'));
  }
  return `${mark} ${parts.filter((part) => part !== '').join('  ')}`;
}
