import type { Event } from '../../base/event.ts';
import { formatDuration } from '../../base/text.ts';
import { formatOuts, formatReasons, formatSentence, formatWait } from './details.ts';
import type { Row } from './rows.ts';

type Started = Extract<Event, { type: 'stage-started' }>;
type Retried = Extract<Event, { type: 'attempt-failed' }>;
type Finished = Extract<Event, { type: 'stage-finished' }>;

/** The row of a stage that ended. */
export function finishedRow(event: Finished): Row {
  const { outcome, durationMs } = event;
  const row = { symbol: outcome, name: event.stage };
  const time = durationMs === undefined ? '' : formatDuration(durationMs);
  switch (outcome) {
    case 'ran':
      return { ...row, verb: time === '' ? 'ran' : `ran in ${time}`, detail: formatOuts(event.outs) };
    case 'restored':
      return { ...row, verb: 'restored', detail: formatOuts(event.outs) };
    case 'fresh':
      return { ...row, verb: 'fresh', detail: '' };
    case 'failed':
      return {
        ...row,
        verb: time === '' ? 'failed' : `failed after ${time}`,
        detail: formatProblem(event),
      };
    case 'blocked':
      return { ...row, verb: 'blocked', detail: formatReasons(event.reasons) };
    case 'canceled':
      return { ...row, verb: time === '' ? 'canceled' : `canceled after ${time}`, detail: '' };
    default:
      return outcome satisfies never;
  }
}

/** The problem without what the row says already; broken gates have had rows of their own. */
function formatProblem({ stage, problem }: Finished): string {
  if (!problem) return '';
  return problem.code === 'gate.failed' ? 'its gates do not hold' : formatSentence(problem, stage);
}

/** The row of an attempt that starts: why, or which one it is. */
export function startedRow({ stage, attempt, reasons }: Started): Row {
  const detail = attempt > 1 ? `attempt ${attempt}` : formatReasons(reasons);
  return { symbol: 'info', name: stage, verb: 'started', detail };
}

/** The row of an attempt that failed and is followed by another. */
export function retriedRow({ stage, attempt, attempts, problem, retryInMs }: Retried): Row {
  const verb = `attempt ${attempt} of ${attempts} failed: ${formatSentence(problem, stage)}; next try in ${formatWait(retryInMs)}`;
  return { symbol: 'retry', name: stage, verb, detail: '' };
}

/** The row of a gate: its limit and the value. */
export function gateRow({ stage, gate, value, held }: Extract<Event, { type: 'gate-evaluated' }>): Row {
  const detail = `${gate}${held ? ': it is' : ', but it is'} ${value}`;
  return { symbol: held ? 'ran' : 'failed', name: stage, verb: 'gate', detail };
}

/** The row of what an earlier run left half done. */
export function recoveredRow({ stage, how, kept }: Extract<Event, { type: 'attempt-recovered' }>): Row {
  const done = `${how === 'rolled-back' ? 'rolled back' : 'completed'}: an earlier run was cut off`;
  const detail = kept === undefined ? done : `${done}; what stood there is in ${kept}`;
  return { symbol: 'warning', name: stage, verb: 'recovered', detail };
}
