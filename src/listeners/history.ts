import { appendFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Problem } from '../base/error.ts';
import type { Event, Listener } from '../base/event.ts';
import { fileNameOf } from '../base/file-name.ts';
import { formatBytes } from '../base/text.ts';
import { makeFolder, statIfExists } from '../io/files.ts';
import { formatEventLine } from './event-line.ts';
import type { Schedule } from './schedule.ts';

/** How long a batch gathers. */
const BATCH_MS = 200;
/** A larger batch is written at once. */
const BATCH_SIZE = 256 * 1024;
/** What is kept of one stage's output, in bytes. */
const LOG_SIZE = 5 * 1024 * 1024;
/** Events that may come before a run has its name: waits, recoveries, warnings. */
const EARLY_EVENTS = 1000;

export interface HistoryListenerOptions {
  /** `.lockstep/history`; made when the first batch is written, where `.lockstep` is. */
  readonly folder: string;
  readonly schedule: Schedule;
  /** Told once, when the history cannot be written; the run goes on without it. */
  readonly warn: (problem: Problem) => void;
  /** Puts text at the end of a file, making both when they are not there; throws when it cannot. By default on the disk. */
  readonly append?: (path: string, text: string) => void;
}

/**
 * Writes down a run: each event as a line of `<folder>/<run>.ndjson`, and each stage's output as it came to
 * `<folder>/<run>/<stage>.log`, up to 5 MiB.
 *
 * Batches are written at most every 200 ms and on close; of the progress of one stage or transfer only the last of a
 * batch is kept. A disk that fails ends the writing and never the run: `warn` hears `history.not-written`.
 * Commands that start no run leave nothing.
 */
export function createHistoryListener(options: HistoryListenerOptions): Listener {
  const { folder, schedule, warn } = options;
  const append = options.append ?? createAppender(dirname(folder));
  const logs = new Map<string, { size: number; pending: string }>();
  let lines = new Map<string | number, string>();
  let size = 0;
  let count = 0;
  let run: string | undefined;
  let cancel: (() => void) | undefined;
  let broken = false;

  const writeBatch = (): void => {
    cancel?.();
    cancel = undefined;
    if (broken || run === undefined) return;
    try {
      if (lines.size > 0) append(join(folder, `${run}.ndjson`), [...lines.values()].join(''));
      for (const [stage, log] of logs) {
        if (log.pending !== '') append(join(folder, run, `${fileNameOf(stage)}.log`), log.pending);
        log.pending = '';
      }
    } catch (error) {
      broken = true;
      logs.clear();
      const reason = error instanceof Error ? error.message : String(error);
      warn({
        code: 'history.not-written',
        message: `the history of this run cannot be written any further: ${reason}`,
        hint: 'the run itself goes on; see whether the disk is full or .lockstep/history is read-only',
      });
    }
    lines = new Map();
    size = 0;
  };

  const keepLine = (event: Event): void => {
    const line = formatEventLine(event);
    const key = progressKey(event) ?? count++;
    size += line.length;
    // The newer line goes to its own place in time.
    lines.delete(key);
    lines.set(key, line);
    if (run === undefined && lines.size > EARLY_EVENTS) lines.delete(lines.keys().next().value ?? '');
  };

  const keepOutput = (stage: string, chunk: string): void => {
    const log = logs.get(stage) ?? { size: 0, pending: '' };
    logs.set(stage, log);
    if (log.size >= LOG_SIZE) return;
    const { text, bytes } = capText(chunk, LOG_SIZE - log.size);
    log.size += bytes;
    log.pending += text;
    if (text !== chunk) {
      log.size = LOG_SIZE;
      log.pending += `\n[what follows is not kept: ${formatBytes(LOG_SIZE)} of output]\n`;
    }
    size += text.length;
  };

  return {
    on(event) {
      if (broken) return;
      if (event.type === 'run-started') run ??= event.run;
      if (event.type === 'stage-output') keepOutput(event.stage, event.chunk);
      else keepLine(event);
      if (size >= BATCH_SIZE || event.type === 'run-finished') writeBatch();
      else if (run !== undefined) cancel ??= schedule(BATCH_MS, writeBatch);
    },
    close: writeBatch,
  };
}

function progressKey(event: Event): string | undefined {
  if (event.type === 'stage-progressed') return `stage ${event.stage}`;
  return event.type === 'transfer-progressed' ? `transfer ${event.direction}` : undefined;
}

/** Appends to the disk below a folder; each one there is made once, and nothing where it has gone: its project was moved. */
function createAppender(home: string): NonNullable<HistoryListenerOptions['append']> {
  const made = new Set<string>();
  return (path, text) => {
    const folder = dirname(path);
    if (!statIfExists(home)) return;
    if (!made.has(folder)) makeFolder(folder);
    made.add(folder);
    appendFileSync(path, text);
  };
}

/** The longest beginning of a text that takes at most `limit` bytes in UTF-8, whole characters only. */
function capText(text: string, limit: number): { readonly text: string; readonly bytes: number } {
  const bytes = Buffer.byteLength(text);
  if (bytes <= limit) return { text, bytes };
  const { read, written } = new TextEncoder().encodeInto(text, new Uint8Array(limit));
  return { text: text.slice(0, read), bytes: written };
}
