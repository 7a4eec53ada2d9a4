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

/** More reasons than this are counted, not listed. */
const MAX_REASONS = 12;

/** A plan for people: one line per stage that is not fresh, its further reasons below it, and a count at the end. */
export function formatPlan(plan: Plan): string {
  const judged = plan.judgements.map(toJudged);
  const stale = judged.filter((one) => one.verdict !== 'skip' || one.reasons[0]?.kind === 'gate-changed');
  if (stale.length === 0) return `Everything is fresh: ${plural(judged.length, 'stage')}, nothing to do.\n`;
  const width = Math.min(40, Math.max(...stale.map((one) => one.stage.length)));
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
  return `${lines.join('')}\n${plural(judged.length, 'stage')}: ${counts.join(', ')}\n`;
}

/** "waits" stands before it already. */
function formatWait(reason: Reason): string {
  return reason.kind === 'upstream' ? `for ${reason.stage}` : formatReason(reason);
}

function count(stale: readonly Judged[], verdict: Verdict, words: string): string | false {
  const found = stale.filter((one) => one.verdict === verdict).length;
  return found > 0 && `${found} ${words}`;
}

function formatStage({ stage, verdict, reasons }: Judged, width: number): string {
  const head = `${stage.padEnd(width)}  ${WORDS[verdict].padEnd(13)}  `;
  const shown = reasons
    .slice(0, MAX_REASONS)
    .map((reason) => (verdict === 'wait' ? formatWait(reason) : formatReason(reason)));
  if (reasons.length > shown.length) shown.push(`and ${reasons.length - shown.length} more`);
  return `${head}${shown.join(`\n${' '.repeat(head.length)}`)}\n`;
}
