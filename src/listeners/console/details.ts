import type { Event } from '../../base/event.ts';
import type { Problem } from '../../base/error.ts';
import { formatReason } from '../../base/reason.ts';
import type { Reason } from '../../base/reason.ts';
import { formatBytes, formatDuration, formatList, oneLine, plural } from '../../base/text.ts';

type Outs = NonNullable<Extract<Event, { type: 'stage-finished' }>['outs']>;

/** `(data/raw 31 files 1.2 MiB, reports/fetch.json 12 KiB)`; empty when there are no outs. */
export function formatOuts(outs: Outs | undefined): string {
  if (!outs || outs.length === 0) return '';
  const items = outs.map(({ path, size, files }) =>
    files === undefined
      ? `${path} ${formatBytes(size)}`
      : `${path} ${plural(files, 'file')} ${formatBytes(size)}`,
  );
  return `(${formatList(items)})`;
}

/** Why, in short: the first reasons. */
export function formatReasons(reasons: readonly Reason[]): string {
  return formatList(reasons.map(formatReason), '; ');
}

/** A problem's sentence on one line, without its subject when that is the stage that the line is about. */
export function formatSentence({ message }: Problem, stage: string): string {
  const text = oneLine(message);
  const subject = `stage "${stage}" `;
  const rest = text.startsWith(subject) ? text.slice(subject.length) : text;
  // The row says "failed" already.
  return rest.replace(/^failed: /, '');
}

/** Time that passes, in seconds from the start: `0.3s`. */
export function formatElapsed(ms: number): string {
  return ms < 1000 ? `${(Math.floor(Math.max(0, ms) / 100) / 10).toFixed(1)}s` : formatDuration(ms);
}

/** Time that is left, in whole seconds: `30s`. */
export function formatWait(ms: number): string {
  const seconds = Math.ceil(Math.max(0, ms) / 1000);
  return seconds < 60 ? `${seconds}s` : formatDuration(seconds * 1000);
}

/** What is said of a tracked input that came back. */
export function formatRestored({ path, replaced }: Extract<Event, { type: 'data-restored' }>): string {
  const back = `brought back ${path}, as pipeline.lock says`;
  return replaced === undefined
    ? back
    : `${back}; what stood there is in the cache, until "lockstep gc --delete", as ${replaced}`;
}

/** `waiting for the workspace: repro holds it since 2026-03-17T06:00:12Z` */
export function formatMutexWait({ mutex, holder, since }: Extract<Event, { type: 'mutex-waited' }>): string {
  // Nobody waits by the millisecond; a holder that has just begun may not have said since when.
  const time = since === '' ? '' : ` since ${since.replace(/\.\d+Z$/, 'Z')}`;
  return `waiting for the ${mutex}: ${holder} holds it${time}`;
}
