import type { Judged, Verdict } from '../base/event.ts';
import { formatReason } from '../base/reason.ts';
import type { Reason } from '../base/reason.ts';
import { plural } from '../base/text.ts';
import type { Judgement, Plan } from '../plan/plan.ts';

/** A judgement as it stands in events and `--json` output. */
export function toJudged({ stage, decision }: Judgement): Judged {
  return { stage: stage.name, verdict: decision.verdict, reasons: decision.reasons };
}

const WORDS: Record<Verdict, string> = {
  skip: 'fresh',
  restore: 'would restore',
  run: 'would run',
  wait: 'waits',
  blocked: 'blocked',
};

/** More reasons of one kind than this, and one, are counted. */
const MAX_ALIKE = 4;
/** More stages to wait for than this are counted. */
const MAX_NAMES = 6;

/**
 * A plan for people: one line per stage that is not fresh, its further reasons below it, and a count at the end. `staleData`:
 * how many tracked inputs are not as they are recorded.
 */
export function formatPlan(plan: Plan, staleData = 0): string {
  const judged = plan.judgements.map(toJudged);
  const stale = judged.filter((one) => one.verdict !== 'skip' || one.reasons[0]?.kind === 'gate-changed');
  const stages = plural(judged.length, 'stage');
  if (stale.length === 0 && staleData > 0)
    return `${stages} fresh, ${plural(staleData, 'tracked input')} not as recorded\n`;
  if (stale.length === 0) return `Everything is fresh: ${stages}, nothing to do.\n`;
  // Not `Math.max(...)`: there may be more stages than a call takes arguments.
  const width = stale.reduce((most, one) => Math.max(most, Math.min(40, one.stage.length)), 0);
  const lines = stale.map((one) => formatStage(one, width));
  const fresh = judged.length - stale.length;
  const runs = stale.filter((one) => one.verdict === 'run').length;
  const counts = [
    runs > 0 && `${runs} to run`,
    count(stale, 'restore', 'to restore'),
    count(stale, 'wait', 'waiting for what runs before'),
    count(stale, 'blocked', 'blocked'),
    fresh > 0 && `${fresh} fresh`,
  ].filter((text) => typeof text === 'string');
  return `${lines.join('')}\n${stages}: ${counts.join(', ')}\n`;
}

function count(stale: readonly Judged[], verdict: Verdict, words: string): string | false {
  const found = stale.filter((one) => one.verdict === verdict).length;
  return found > 0 && `${found} ${words}`;
}

function formatStage({ stage, verdict, reasons }: Judged, width: number): string {
  const head = `${stage.padEnd(width)}  ${WORDS[verdict].padEnd(13)}  `;
  const lines = verdict === 'wait' ? formatWaits(reasons) : formatReasons(reasons);
  return `${head}${lines.join(`\n${' '.repeat(head.length)}`)}\n`;
}

/** A line per reason; of many of one kind the first few and a count. */
function formatReasons(reasons: readonly Reason[]): readonly string[] {
  const kinds = new Map<Reason['kind'], Reason[]>();
  for (const reason of reasons) {
    const alike = kinds.get(reason.kind);
    if (alike) alike.push(reason);
    else kinds.set(reason.kind, [reason]);
  }
  return [...kinds.values()].flatMap((alike) => {
    if (alike.length <= MAX_ALIKE + 1) return alike.map(formatReason);
    const rest = alike.length - MAX_ALIKE;
    return [...alike.slice(0, MAX_ALIKE).map(formatReason), `and ${rest} more like these`];
  });
}

/** "waits" stands before it already. */
function formatWaits(reasons: readonly Reason[]): readonly string[] {
  const names = reasons.flatMap((reason) => (reason.kind === 'upstream' ? [reason.stage] : []));
  const shown = names.slice(0, MAX_NAMES).join(', ');
  return [names.length > MAX_NAMES ? `for ${shown} and ${names.length - MAX_NAMES} more` : `for ${shown}`];
}
