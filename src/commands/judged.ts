import type { Judged, Verdict } from '../base/event.ts';
import { displayWidth, padColumns } from '../base/display-width.ts';
import { formatReason } from '../base/reason.ts';
import type { Reason } from '../base/reason.ts';
import { plural, visible, widest } from '../base/text.ts';
import { formatFresh } from '../listeners/console/summary.ts';
import { isFresh } from '../plan/decide.ts';
import type { Judgement, Plan } from '../plan/plan.ts';

/** A judgement as it stands in events and `--json` output. */
export function toJudged({ stage, decision }: Judgement): Judged {
  return { stage: stage.name, verdict: decision.verdict, reasons: decision.reasons };
}

const WORDS: Record<Verdict, string> = {
  // Of those that are not fresh, nothing but their gates.
  skip: 'would judge',
  restore: 'would restore',
  run: 'would run',
  wait: 'waits',
  blocked: 'blocked',
};

/** More reasons of one kind than this, and one, are counted. */
const MAX_ALIKE = 4;
/** More stages to wait for than this are counted. */
const MAX_NAMES = 6;

/** So many stages are made one text, to be printed together. */
const TOGETHER = 1000;

/**
 * A plan for people: one line per stage that is not fresh, its further reasons below it, and a count at the end. In pieces:
 * the lines of 100,000 stages take some 60 MiB together. `staleData`: how many tracked inputs are not as they are recorded.
 */
export function* formatPlan({ judgements }: Plan, staleData = 0): Generator<string, void, undefined> {
  const stale = judgements.filter(({ decision }) => !isFresh(decision));
  const stages = plural(judgements.length, 'stage');
  if (stale.length === 0) {
    yield staleData > 0
      ? `${stages} fresh, ${plural(staleData, 'tracked input')} not as recorded\n`
      : formatFresh(judgements.length);
    return;
  }
  const width = Math.min(
    40,
    widest(stale, ({ stage }) => stage.name),
  );
  for (let from = 0; from < stale.length; from += TOGETHER) {
    const some = stale.slice(from, from + TOGETHER);
    yield some.map((one) => formatStage(one, width)).join('');
  }
  const fresh = judgements.length - stale.length;
  const counts = [
    count(stale, 'run', 'to run'),
    count(stale, 'restore', 'to restore'),
    count(stale, 'skip', 'to judge'),
    count(stale, 'wait', 'waiting for what runs before'),
    count(stale, 'blocked', 'blocked'),
    fresh > 0 && `${fresh} fresh`,
  ].filter((text) => typeof text === 'string');
  yield `\n${stages}: ${counts.join(', ')}\n`;
}

function count(stale: readonly Judgement[], verdict: Verdict, words: string): string | false {
  const found = stale.filter(({ decision }) => decision.verdict === verdict).length;
  return found > 0 && `${found} ${words}`;
}

function formatStage({ stage, decision: { verdict, reasons } }: Judgement, width: number): string {
  const head = `${padColumns(stage.name, width)}  ${WORDS[verdict].padEnd(13)}  `;
  const lines = verdict === 'wait' ? formatWaits(reasons) : formatReasons(reasons);
  return `${head}${lines.join(`\n${' '.repeat(displayWidth(head))}`)}\n`;
}

const formatLine = (reason: Reason): string => visible(formatReason(reason));

/** A line per reason; of many of one kind the first few and a count. */
function formatReasons(reasons: readonly Reason[]): readonly string[] {
  return [...Map.groupBy(reasons, ({ kind }) => kind).values()].flatMap((alike) => {
    if (alike.length <= MAX_ALIKE + 1) return alike.map(formatLine);
    const rest = alike.length - MAX_ALIKE;
    return [...alike.slice(0, MAX_ALIKE).map(formatLine), `and ${rest} more like these`];
  });
}

/** "waits" stands before it already. */
function formatWaits(reasons: readonly Reason[]): readonly string[] {
  const names = reasons.flatMap((reason) => (reason.kind === 'upstream' ? [reason.stage] : []));
  const shown = names.slice(0, MAX_NAMES).join(', ');
  return [names.length > MAX_NAMES ? `for ${shown} and ${names.length - MAX_NAMES} more` : `for ${shown}`];
}
