import type { Listener } from '../base/event.ts';
import type { ReadLine } from '../base/problem-text.ts';
import type { ConsoleListener } from './console.ts';

export interface ScreenOptions {
  readonly json: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where people look. */
  readonly out: NodeJS.WriteStream;
  /** Writes what programs read. */
  readonly print: (text: string) => void;
  readonly now: () => number;
  readonly readLine: ReadLine;
  readonly verbose: boolean;
}

/** Shows what happens: to people as their terminal can, or to a program. */
export async function createScreen(options: ScreenOptions): Promise<Listener & Partial<ConsoleListener>> {
  const { json, env, out, print, now, readLine, verbose } = options;
  if (json) {
    const { createJsonListener } = await import('./json.ts');
    return createJsonListener({ write: print });
  }
  const { createConsoleListener } = await import('./console.ts');
  const { createSchedule } = await import('./schedule.ts');
  // One that can more than print.
  const isTerminal = out.isTTY && env['TERM'] !== 'dumb';
  return createConsoleListener({
    write: (text) => void out.write(text),
    isTty: isTerminal && env['CI'] === undefined,
    // A terminal that was never told its size says 0.
    columns: () => out.columns || 80,
    colour: wantsColour(env) ?? isTerminal,
    // To a locale, what is empty is not set.
    unicode:
      /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '') || process.platform === 'darwin',
    rows: () => out.rows || 24,
    now,
    readLine,
    verbose,
    schedule: createSchedule(),
  });
}

/** https://no-color.org and FORCE_COLOR; `undefined` where the environment says nothing of it. */
function wantsColour(env: ScreenOptions['env']): boolean | undefined {
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const forced = env['FORCE_COLOR'] ?? '';
  return forced === '' ? undefined : forced !== '0' && forced !== 'false';
}
