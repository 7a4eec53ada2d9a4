import { venueOf } from './series.ts';
import type { ChartRow, ChartSeries } from './series.ts';
import type { TradedStock } from './prices.ts';
import type { WorldPlan } from './plan.ts';

/** What the vendor knows on the day of asking: nothing after `through`. */
export interface VendorView {
  readonly name: string;
  readonly through: string;
  /** Epoch seconds of a day's row. */
  readonly stampOf: (date: string) => number;
}

/**
 * A stock's chart series in the vendor's form, with the planted defects: prices divided by all later split ratios and scaled by a
 * later demerger, volumes multiplied, `adjClose` also lowered by `1 − dividend / close before` of every later ex-date.
 */
export function toVendorForm(plan: WorldPlan, stock: TradedStock, view: VendorView): ChartSeries {
  const { symbol } = stock;
  const { through, stampOf } = view;
  const splits = plan.splits.filter((action) => action.symbol === symbol && action.date <= through);
  const demergers = [plan.demerger].filter((action) => action.symbol === symbol && action.date <= through);
  const dividends = stock.dividends.filter((action) => action.date <= through);
  const ratioAfter = (date: string): number =>
    splits.reduce((ratio, action) => (action.date > date ? ratio * action.ratio : ratio), 1);
  const scaleAfter = (date: string): number =>
    demergers.reduce((scale, action) => (action.date > date ? scale * action.factor : scale), 1) /
    ratioAfter(date);
  const payoutAfter = (date: string): number =>
    dividends.reduce(
      (left, action) => (action.date > date ? left * (1 - action.amount / action.priorClose) : left),
      1,
    );
  const listed = plan.late.symbol === symbol ? plan.late.from : '';
  const absent = new Set(plan.missing.symbol === symbol ? plan.missing.dates : []);
  const times = new Map<string, number>();
  const rows: ChartRow[] = [];
  for (const [day, { date }] of plan.days.entries()) {
    const traded = stock.days[day];
    if (date > through || traded === undefined) break;
    if (date < listed) continue;
    const time = stampOf(date);
    times.set(date, time);
    if (absent.has(date)) continue;
    if (plan.nulls.symbol === symbol && plan.nulls.date === date) {
      rows.push({ time, date, open: null, high: null, low: null, close: null, adjClose: null, volume: null });
      continue;
    }
    const scale = scaleAfter(date);
    const close = traded.close * scale;
    rows.push({
      time,
      date,
      open: traded.open * scale,
      high: traded.high * scale,
      low: traded.low * scale,
      close,
      adjClose: close * payoutAfter(date),
      volume: traded.volume * ratioAfter(date),
    });
  }
  if (plan.phantom <= through) insertPhantomRow(rows, plan.phantom);
  return {
    symbol,
    name: view.name,
    venue: venueOf(symbol),
    rows,
    dividends: dividends
      .filter(({ date }) => date > listed)
      .map(({ date, amount }) => ({ time: times.get(date) ?? 0, date, amount: amount * scaleAfter(date) })),
    splits: splits
      .filter(({ date }) => date > listed)
      .map(({ date, ratio }) => ({ time: times.get(date) ?? 0, date, numerator: ratio, denominator: 1 })),
  };
}

/** Epoch seconds of a time in India, whose clocks have stood at +05:30 since long before the world begins; the vendor stamps evening sessions like any other. */
export function toStamp(date: string, time: string): number {
  return Date.parse(`${date}T${time}:00+05:30`) / 1000;
}

/** Puts the row of a holiday in its place: flat at the last close, without volume. */
function insertPhantomRow(rows: ChartRow[], date: string): void {
  const at = rows.findLastIndex((row) => row.date < date && row.close !== null);
  const last = rows[at];
  if (last === undefined) return;
  const { close, adjClose } = last;
  const time = toStamp(date, '09:15');
  const next = rows.findIndex((row) => row.date > date);
  const row = { time, date, open: close, high: close, low: close, close, adjClose, volume: 0 };
  rows.splice(next === -1 ? rows.length : next, 0, row);
}
