import { addDays, sessionsBetween } from '../../base/session.ts';
import { byCodeUnit } from '../by-code-unit.ts';
import { calendarFor } from '../calendar.ts';
import { createRandom } from './random.ts';
import type { Random } from './random.ts';
import type { Session } from '../../base/session.ts';

/** First day of the seeded world. */
export const WORLD_FROM = '2019-01-01';
/** The last day that it can be made to reach. */
export const WORLD_LIMIT = '2035-12-31';
const WORLD_THROUGH = '2026-12-31';

/**
 * Last day of a seeded world that must hold a day: the end of 2026, or of that day's year where it is later, up to the limit. Whole
 * years, because dividends are drawn by the year; no further than needed, because a longer world takes longer to make.
 */
export function worldEnd(day: string = WORLD_THROUGH): string {
  const end = `${day.slice(0, 4)}-12-31`;
  if (end < WORLD_THROUGH) return WORLD_THROUGH;
  return end > WORLD_LIMIT ? WORLD_LIMIT : end;
}

/** The index as the chart names it. */
export const INDEX_SYMBOL = '^BSESN';

// A Saturday on which stocks traded and the index has no bar, as recorded.
const SATURDAY = '2025-02-01';
// Defects lie where a two-year period ending between these months and the world's end sees them.
const DEFECTS_FROM = '2025-02-15';
const DEFECTS_THROUGH = '2026-02-27';
// Five months into the two years that end on 2026-03-17.
const LATE_LISTING = '2024-08-16';

/** A split or bonus issue: `ratio` shares for each one held, from the opening of `date` on. */
export interface PlannedSplit {
  readonly symbol: string;
  readonly date: string;
  readonly ratio: number;
  readonly kind: 'split' | 'bonus';
}

/** A demerger: from the opening of `date` on the share is worth `factor` of its last close; the vendor tells no event. */
export interface PlannedDemerger {
  readonly symbol: string;
  readonly date: string;
  readonly factor: number;
}

/** Everything in the seeded world that is decided before any price: its days, corporate actions and planted defects. */
export interface WorldPlan {
  readonly seed: string;
  /** Chart symbols of the stocks, ascending by code unit. */
  readonly symbols: readonly string[];
  /** Days on which stocks trade: all regular sessions and one Saturday, ascending. */
  readonly days: readonly Session[];
  readonly splits: readonly PlannedSplit[];
  readonly demerger: PlannedDemerger;
  readonly halt: { readonly symbol: string; readonly dates: readonly string[] };
  readonly missing: { readonly symbol: string; readonly dates: readonly string[] };
  readonly nulls: { readonly symbol: string; readonly date: string };
  readonly late: { readonly symbol: string; readonly from: string };
  /** A holiday on which every stock has a flat row without volume. */
  readonly phantom: string;
  /** The session that the index lacks. */
  readonly saturday: string;
}

/** What a plan is made from; `through` is the world's last day. */
export interface WorldPlanOptions {
  readonly seed: string;
  readonly symbols: readonly string[];
  readonly through: string;
}

/**
 * The plan of a seed: equal options give the same one on every machine, a later `through` the same one with more days. Needs at least
 * eight symbols.
 */
export function createWorldPlan({ seed, symbols, through }: WorldPlanOptions): WorldPlan {
  const table = calendarFor('XBOM');
  const days = sessionsBetween(table, WORLD_FROM, through).filter(
    (session) => session.kind === 'regular' || session.date === SATURDAY,
  );
  const dates = days.map((session) => session.date);
  const random = createRandom(`${seed}|plan`);
  const order = shuffle([...symbols].sort(byCodeUnit), random);
  const [first, second, third, fourth, fifth, sixth, seventh, eighth] = order;
  if (eighth === undefined) throw new Error('a world needs at least eight stocks');
  const pick = (from: string, through: string): string => {
    const choice = dates.filter((date) => date >= from && date <= through);
    return choice[random.below(choice.length)] ?? from;
  };
  const defectDates = dates.filter((date) => date >= DEFECTS_FROM && date <= DEFECTS_THROUGH);
  const haltAt = random.below(defectDates.length - 3);
  const holidays = [...table.holidays.keys()]
    .filter((date) => date >= DEFECTS_FROM && date <= DEFECTS_THROUGH)
    .sort(byCodeUnit);
  return {
    seed,
    symbols: [...symbols].sort(byCodeUnit),
    days,
    splits: [
      { symbol: first ?? '', date: pick('2021-01-01', '2023-12-31'), ratio: 2, kind: 'split' },
      { symbol: second ?? '', date: pick('2024-06-01', '2025-01-31'), ratio: 5, kind: 'split' },
      { symbol: third ?? '', date: pick(DEFECTS_FROM, '2025-12-31'), ratio: 3, kind: 'bonus' },
    ],
    demerger: { symbol: fourth ?? '', date: pick(DEFECTS_FROM, '2025-12-31'), factor: 0.9 },
    halt: { symbol: fifth ?? '', dates: defectDates.slice(haltAt, haltAt + 3) },
    missing: {
      symbol: sixth ?? '',
      dates: shuffle(defectDates, random).slice(0, 4).sort(byCodeUnit),
    },
    nulls: { symbol: seventh ?? '', date: pick(DEFECTS_FROM, DEFECTS_THROUGH) },
    late: { symbol: eighth, from: dates.find((date) => date >= LATE_LISTING) ?? LATE_LISTING },
    phantom: holidays[random.below(holidays.length)] ?? addDays(SATURDAY, 1),
    saturday: SATURDAY,
  };
}

/** Fisher and Yates. */
function shuffle<T>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  const shuffled: T[] = [];
  while (left.length > 0) shuffled.push(...left.splice(random.below(left.length), 1));
  return shuffled;
}
