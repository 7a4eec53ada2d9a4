import type { Listener } from '../base/event.ts';
import { formatEventLine } from './event-line.ts';

export interface JsonListenerOptions {
  readonly write: (text: string) => void;
}

/** Writes every event as one line of JSON (NDJSON), as it comes. */
export function createJsonListener({ write }: JsonListenerOptions): Listener {
  return { on: (event) => write(formatEventLine(event)) };
}
