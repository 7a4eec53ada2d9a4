import { join } from 'node:path';
import { PipelineError, isSystemError } from '../base/error.ts';
import { EVENT_VERSION } from '../base/event.ts';
import type { Event } from '../base/event.ts';
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

/** The events of a run; a last line cut off by a crash, or written by a newer lockstep, is left out. */
export function readRun(stateDir: string, id: string): readonly Event[] {
  const text = readIfExists(join(historyFolder(stateDir), `${id}.ndjson`))?.toString('utf8') ?? '';
  const events: Event[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    try {
      const event = parseJson(line) as unknown as Event | null;
      if (event?.v === EVENT_VERSION) events.push(event);
    } catch {
      // Cut off by a crash.
    }
  }
  return events;
}

/** The same view of a recorded run that the terminal had of it live. */
export function replayRun(events: readonly Event[]): RunState {
  return events.reduce(reduceRun, emptyRun());
}

/** Stage → wall time (ms) of its last run, from the newest `depth` runs; of those that cannot be read nothing is known. */
export function lastDurations(stateDir: string, depth = 20): ReadonlyMap<string, number> {
  const durations = new Map<string, number>();
  for (const id of orNone(() => listRuns(stateDir)).slice(0, depth)) {
    for (const event of orNone(() => readRun(stateDir, id))) {
      if (event.type !== 'stage-finished' || event.outcome !== 'ran' || event.durationMs === undefined)
        continue;
      if (!durations.has(event.stage)) durations.set(event.stage, event.durationMs);
    }
  }
  return durations;
}

/** What a run is not to fail for. */
function orNone<T>(read: () => readonly T[]): readonly T[] {
  try {
    return read();
  } catch (error) {
    if (error instanceof PipelineError || isSystemError(error)) return [];
    throw error;
  }
}
