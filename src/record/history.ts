import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { PipelineError, isSystemError } from '../base/error.ts';
import { EVENT_VERSION } from '../base/event.ts';
import type { Event } from '../base/event.ts';
import { runStampOf } from '../base/run-id.ts';
import { emptyRun, reduceRun } from '../base/run-state.ts';
import type { RunState } from '../base/run-state.ts';
import { parseJson } from '../base/hash.ts';
import { byCodeUnit } from '../base/path.ts';
import { readFolder, readIfExists } from '../io/files.ts';

/** Run ids sort by time: `20260317T060000123-1a2b`. Each run is `history/<id>.ndjson`, one event a line. */
export function historyFolder(stateDir: string): string {
  return join(stateDir, 'history');
}

/** Ids of the recorded runs, newest first. */
export function listRuns(stateDir: string): readonly string[] {
  return readFolder(historyFolder(stateDir))
    .map((entry) => /^(.+)\.ndjson$/.exec(entry.name)?.[1])
    .filter((id) => id !== undefined)
    .sort((a, b) => byCodeUnit(b, a));
}

/** Ids of the runs that began before this instant (epoch ms). */
export function listRunsBefore(stateDir: string, beforeMs: number): readonly string[] {
  const first = runStampOf(Math.max(0, beforeMs));
  return listRuns(stateDir).filter((id) => id < first);
}

/** Forgets a run. What names it goes last: one that was cut off is found again. */
export function removeRun(stateDir: string, id: string): void {
  const folder = historyFolder(stateDir);
  rmSync(join(folder, id), { recursive: true, force: true });
  rmSync(join(folder, `${id}.ndjson`), { force: true });
}

/** The events of a run; a last line cut off by a crash, or written by a newer lockstep, is left out. */
export function readRun(stateDir: string, id: string): readonly Event[] {
  return readText(stateDir, id)
    .split('\n')
    .flatMap((line) => parseEvent(line) ?? []);
}

function readText(stateDir: string, id: string): string {
  return readIfExists(join(historyFolder(stateDir), `${id}.ndjson`))?.toString('utf8') ?? '';
}

function parseEvent(line: string): Event | undefined {
  if (line === '') return undefined;
  try {
    const event = parseJson(line) as unknown as Event | null;
    return event?.v === EVENT_VERSION ? event : undefined;
  } catch {
    // Cut off by a crash.
    return undefined;
  }
}

/** The same view of a recorded run that the terminal had of it live. */
export function replayRun(events: readonly Event[]): RunState {
  return events.reduce(reduceRun, emptyRun());
}

/** More of the history than this is not read for it: it orders the starts of stages, no more. */
const MAX_BYTES = 64 * 1024 * 1024;
/** In the line of each event that says so: few stages of a large pipeline run each time, and all have a line there. */
const RAN = '"outcome":"ran"';

/**
 * Stage → wall time (ms) of its last run, from the newest `depth` runs, of which `most` bytes are enough; of
 * those that cannot be read nothing is known.
 */
export function lastDurations(
  stateDir: string,
  depth = 20,
  most: number = MAX_BYTES,
): ReadonlyMap<string, number> {
  const durations = new Map<string, number>();
  let bytes = 0;
  for (const id of (unlessUnreadable(() => listRuns(stateDir)) ?? []).slice(0, depth)) {
    const text = unlessUnreadable(() => readText(stateDir, id)) ?? '';
    for (const line of linesWith(text, RAN)) {
      const event = parseEvent(line);
      if (event?.type !== 'stage-finished' || event.outcome !== 'ran' || event.durationMs === undefined)
        continue;
      if (!durations.has(event.stage)) durations.set(event.stage, event.durationMs);
    }
    bytes += text.length;
    if (bytes > most) break;
  }
  return durations;
}

/** What a run is not to fail for. */
function unlessUnreadable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof PipelineError || isSystemError(error)) return undefined;
    throw error;
  }
}

function* linesWith(text: string, mark: string): Generator<string> {
  for (let at = text.indexOf(mark); at !== -1;) {
    const end = text.indexOf('\n', at);
    if (end === -1) return;
    yield text.slice(text.lastIndexOf('\n', at) + 1, end);
    at = text.indexOf(mark, end);
  }
}
