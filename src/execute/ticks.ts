import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, PipelineError } from '../base/error.ts';
import type { Problem } from '../base/error.ts';
import type { Emit } from '../base/event.ts';
import { parseSessionTable } from '../base/session.ts';
import type { SessionTable } from '../base/session.ts';
import { formatList, shellQuote } from '../base/text.ts';
import type { Lock, Pipeline, Refresh, Stage, StageName } from '../base/types.ts';
import type { Clock } from '../io/clock.ts';
import { readIfExists } from '../io/files.ts';
import { tickAt } from '../plan/tick.ts';
import type { Tick } from '../plan/tick.ts';
import type { Snapshot } from '../record/snapshot.ts';

export interface TickInputs {
  readonly lock: Lock;
  readonly snapshot: Snapshot;
  readonly clock: Clock;
  readonly emit: Emit;
  /** The folder of `sessions-<MIC>.json`. */
  readonly calendars: string;
  /** The recorded ticks stand. */
  readonly locked: boolean;
  /** Stages that take the clock's tick, whatever is recorded. */
  readonly forced: ReadonlySet<StageName>;
}

/** Ticks of the stages that have a schedule. */
export interface Ticks {
  /** Stage → tick (ISO). */
  readonly of: ReadonlyMap<StageName, string>;
  /** At each instant of `[fromMs, untilMs)` they are the same, and nothing is to be warned of. */
  readonly fromMs: number;
  readonly untilMs: number;
}

/** A clock behind the recorded tick keeps the recorded one and warns. */
export async function findTicks(pipeline: Pipeline, inputs: TickInputs): Promise<Ticks> {
  const { lock, snapshot, clock, emit } = inputs;
  const found = new Map<StageName, string>();
  const kept = (snapshot.get('ticks') ?? {}) as Record<string, Tick>;
  const ticks: Record<string, Tick> = {};
  const tables = new Map<string, SessionTable>();
  const behind: Stage[] = [];
  for (const stage of pipeline.stages) {
    const { refresh } = stage;
    if (!refresh) continue;
    const recorded = lock.stages.get(stage.name)?.fingerprint.tick;
    if (inputs.locked && recorded !== undefined) {
      found.set(stage.name, recorded);
      continue;
    }
    const { at: _, ...schedule } = refresh;
    const key = JSON.stringify(schedule);
    let tick = ticks[key] ?? kept[key];
    const calendar = (exchange: string): SessionTable =>
      tableOf(exchange, { stage, tables, calendars: inputs.calendars });
    if (!tick || !isCurrent(tick, clock.now())) tick = finite(await tickAt(refresh, clock.now(), calendar));
    ticks[key] = tick;
    const iso = new Date(tick.tickMs).toISOString();
    const isKept = recorded !== undefined && recorded > iso && !inputs.forced.has(stage.name);
    if (isKept && (await isToCome(refresh, Date.parse(recorded), { calendar, nowMs: clock.now() }))) {
      behind.push(stage);
      found.set(stage.name, recorded);
    } else found.set(stage.name, iso);
  }
  if (Object.entries(ticks).some(([key, tick]) => kept[key]?.tickMs !== tick.tickMs))
    snapshot.set('ticks', [], ticks);
  if (behind.length > 0) emit({ type: 'warned', problem: clockBehind(behind) });
  return { of: found, ...(behind.length > 0 ? NEVER : windowOf(Object.values(ticks))) };
}

/** The last instant that a Date can hold, epoch ms. */
const END_MS = 8.64e15;
const NEVER = { fromMs: END_MS, untilMs: -END_MS };

/** When none of them moves. */
function windowOf(ticks: readonly Tick[]): { readonly fromMs: number; readonly untilMs: number } {
  return {
    fromMs: Math.max(-END_MS, ...ticks.map(({ fromMs }) => fromMs)),
    untilMs: Math.min(END_MS, ...ticks.map(({ untilMs }) => untilMs)),
  };
}

/** JSON has no infinity: a tick that never moves is valid for all instants a Date can hold. */
function finite({ tickMs, fromMs, untilMs }: Tick): Tick {
  return { tickMs, fromMs: Math.max(-END_MS, fromMs), untilMs: Math.min(END_MS, untilMs) };
}

/** True when a recorded tick of a stage is still to come: then the clock is behind it, and it is kept. */
export async function isBehindTick(
  stage: Stage,
  tick: string,
  { nowMs, calendars }: { readonly nowMs: number; readonly calendars: string },
): Promise<boolean> {
  const calendar = (exchange: string): SessionTable =>
    tableOf(exchange, { stage, tables: new Map(), calendars });
  return stage.refresh !== undefined && isToCome(stage.refresh, Date.parse(tick), { calendar, nowMs });
}

/** True for a later boundary of this very schedule; any other tick is of one that has been changed, and no clock is wrong. */
async function isToCome(
  refresh: Refresh,
  recordedMs: number,
  { calendar, nowMs }: { readonly calendar: (exchange: string) => SessionTable; readonly nowMs: number },
): Promise<boolean> {
  if (refresh.asOf !== 'now' || recordedMs <= nowMs) return false;
  return (await tickAt(refresh, recordedMs, calendar)).tickMs === recordedMs;
}

function isCurrent(tick: Tick, nowMs: number): boolean {
  return tick.fromMs <= nowMs && nowMs < tick.untilMs;
}

const MOST_NAMED = 10;

function clockBehind(stages: readonly Stage[]): Problem {
  const names = stages.map(({ name }) => name);
  const [tick, are] = names.length === 1 ? ['tick of stage', 'one is'] : ['ticks of stages', 'ones are'];
  // All of them, for it is to be pasted, unless nobody would read them.
  const named = names.length > MOST_NAMED ? 'STAGE …' : names.map(shellQuote).join(' ');
  return {
    code: 'clock.behind',
    message: `the clock is behind the recorded ${tick} ${formatList(names.map((name) => `"${name}"`))}; the recorded ${are} kept`,
    hint: `check the date of this machine; if it is right, "lockstep repro ${named} --force" takes the clock's`,
  };
}

interface Calendars {
  readonly stage: Stage;
  readonly tables: Map<string, SessionTable>;
  readonly calendars: string;
}

function tableOf(exchange: string, { stage, tables, calendars }: Calendars): SessionTable {
  const known = tables.get(exchange);
  if (known) return known;
  const names = readdirSync(calendars).filter((name) => name.startsWith('sessions-'));
  for (const name of [`sessions-${exchange}.json`, ...names]) {
    const bytes = readIfExists(join(calendars, name));
    const table = bytes && parseSessionTable(JSON.parse(bytes.toString('utf8')));
    if (table && (table.mic === exchange || table.aliases.includes(exchange))) {
      tables.set(exchange, table);
      return table;
    }
  }
  const mics = names.map((name) => name.slice('sessions-'.length, -'.json'.length));
  throw new PipelineError(
    'refresh.exchange',
    `stage "${stage.name}" refreshes with the exchange "${exchange}", whose calendar is unknown`,
    {
      exit: EXIT.user,
      ...(stage.refresh && { at: stage.refresh.at }),
      hint: `known: ${mics.join(', ')}; or use "every" or "cron"`,
    },
  );
}
