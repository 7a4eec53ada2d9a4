import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isatty } from 'node:tty';
import { createBus } from './base/bus.ts';
import { EXIT, PipelineError, isSystemError, toProblem } from './base/error.ts';
import type { ExitCode } from './base/error.ts';
import type { Listener } from './base/event.ts';
import { formatProblems } from './base/problem-text.ts';
import type { ReadLine } from './base/problem-text.ts';
import { visibleLines } from './base/text.ts';
import type { CommandContext, Flags } from './commands/command.ts';
import { formatCommandHelp, formatHelp } from './commands/help.ts';
import type { ConsoleListener } from './listeners/console.ts';
import { parseLine, profileOf, waitMsOf } from './commands/parse-line.ts';
import type { Line } from './commands/parse-line.ts';
import { createPhases } from './commands/phases.ts';
import { createLineReader } from './io/line-reader.ts';
import { fromSystemError } from './io/system-error.ts';
import { VERSION, clockFrom, findRoot } from './ground.ts';

/** Runs one command line; the exit code is its whole answer to the shell. */
async function main(argv: readonly string[]): Promise<ExitCode> {
  const [first] = argv;
  if (first === '--version' || first === '-V') {
    print(`${VERSION}\n`);
    return EXIT.ok;
  }
  if (first === undefined) {
    process.stderr.write(await formatHelp());
    return EXIT.user;
  }
  let root: string | undefined;
  let json = argv.includes('--json');
  try {
    const line = await parseLine(argv);
    if (line.kind === 'help') {
      print(await formatHelp());
      return EXIT.ok;
    }
    json = line.flags['json'] === true;
    if (line.flags['help'] === true) {
      print(formatCommandHelp(line.name, line.command));
      return EXIT.ok;
    }
    const dir = dirOf(line.flags);
    root = rootOf(dir);
    const surroundings = { dir, root, argv, json };
    const profile = profileOf(line.flags);
    if (profile === undefined) return await perform(line, surroundings);
    const { recordProfile } = await import('./commands/cpu-profile.ts');
    return await recordProfile(profile, () => perform(line, surroundings));
  } catch (error) {
    return report(error, { root, json });
  }
}

function print(text: string): void {
  process.stdout.write(text);
}

function dirOf(flags: Flags): string {
  const named = flags['dir'];
  const dir = resolveHere(typeof named === 'string' ? named : '.');
  if (named === undefined || statSync(dir, { throwIfNoEntry: false })?.isDirectory()) return dir;
  throw new PipelineError('cli.dir', `there is no folder "${dir}"`, { hint: 'correct what -C names' });
}

function resolveHere(path: string): string {
  try {
    return resolve(path);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
    throw new PipelineError('cli.dir', 'the current folder is not there any more', {
      hint: 'go to a folder that is there, or name it in full with -C',
    });
  }
}

function rootOf(dir: string): string | undefined {
  try {
    return findRoot(dir);
  } catch {
    return undefined;
  }
}

type ParsedCommand = Extract<Line, { kind: 'command' }>;

interface Surroundings {
  readonly dir: string;
  readonly root: string | undefined;
  readonly argv: readonly string[];
  readonly json: boolean;
}

async function perform(parsed: ParsedCommand, { dir, root, argv, json }: Surroundings): Promise<ExitCode> {
  const clock = clockFrom(process.env);
  const verbose = parsed.flags['verbose'] === true;
  const phases = createPhases(() => process.uptime() * 1000);
  const shown = await screen(json, { now: () => clock.now(), readLine: lineReader(root), verbose });
  const listeners: Listener[] = [shown];
  const interrupt = listenForInterrupts({
    onWait() {
      shown.makeWay?.();
      if (!json) process.stderr.write('Stopping; Ctrl-C again ends at once.\n');
    },
    onEnd() {
      shown.makeWay?.();
      report(interrupted(), { root: undefined, json });
    },
  });
  if (shown.makeWay) leaveTerminal(shown.makeWay);
  // Late listeners (the history of a run) hear what comes after them.
  const emit = createBus(listeners, () => clock.now());
  const context: CommandContext = {
    args: parsed.args,
    flags: parsed.flags,
    dir,
    env: process.env,
    line: `lockstep ${argv.join(' ')}`,
    json,
    print(text) {
      shown.makeWay?.();
      print(json ? text : visibleLines(text));
    },
    emit,
    signal: interrupt.signal,
    listen(listener) {
      // Before who shows: that the end of a run cannot be written down is told before the end.
      listeners.unshift(listener);
      return async () => {
        listeners.splice(listeners.indexOf(listener), 1);
        await listener.close?.();
      };
    },
    tell(error) {
      shown.makeWay?.();
      report(error, { root, json });
    },
    waitMs: waitMsOf(parsed.flags),
    phases,
  };
  try {
    return await parsed.command.run(context);
  } catch (error) {
    // Whatever was under way ends with an error of its own kind.
    if (error instanceof Error && error.name === 'AbortError') interrupt.signal.throwIfAborted();
    throw error;
  } finally {
    interrupt.stop();
    for (const listener of listeners) await listener.close?.();
    if (verbose) process.stderr.write(phases.format());
  }
}

async function screen(
  json: boolean,
  { now, readLine, verbose }: Seeing,
): Promise<Listener & Partial<ConsoleListener>> {
  if (json) {
    const { createJsonListener } = await import('./listeners/json.ts');
    return createJsonListener({ write: print });
  }
  const { createConsoleListener } = await import('./listeners/console.ts');
  const { createSchedule } = await import('./listeners/schedule.ts');
  const out = process.stderr;
  return createConsoleListener({
    write: (text) => void out.write(text),
    isTty: isTerminal() && process.env['CI'] === undefined,
    // A terminal that was never told its size says 0.
    columns: () => out.columns || 80,
    colour: usesColour(),
    // To a locale, what is empty is not set.
    unicode:
      /utf-?8/i.test(process.env['LC_ALL'] || process.env['LC_CTYPE'] || process.env['LANG'] || '') ||
      process.platform === 'darwin',
    rows: () => out.rows || 24,
    now,
    readLine,
    verbose,
    schedule: createSchedule(),
  });
}

interface Seeing {
  readonly now: () => number;
  readonly readLine: ReadLine;
  readonly verbose: boolean;
}

/** https://no-color.org and FORCE_COLOR; else only a terminal gets colour. */
function usesColour(): boolean {
  if ((process.env['NO_COLOR'] ?? '') !== '') return false;
  const forced = process.env['FORCE_COLOR'] ?? '';
  if (forced !== '') return forced !== '0' && forced !== 'false';
  return isTerminal();
}

/** A terminal that can more than print. */
function isTerminal(): boolean {
  return process.stderr.isTTY === true && process.env['TERM'] !== 'dumb';
}

interface Interrupts {
  readonly signal: AbortSignal;
  stop(): void;
}

/** What takes no longer to end needs no word in between. */
const UNTOLD_MS = 300;

interface Told {
  /** The end has been asked for, and takes a moment: a stage has five seconds to end well. */
  readonly onWait: () => void;
  /** It ends at once. */
  readonly onEnd: () => void;
}

/** The first Ctrl-C asks everything to end; the second ends at once, and the next command cleans up. */
function listenForInterrupts({ onWait, onEnd }: Told): Interrupts {
  const controller = new AbortController();
  let waiting: NodeJS.Timeout | undefined;
  const onSignal = (): void => {
    if (controller.signal.aborted) {
      onEnd();
      process.exit(EXIT.interrupted);
    }
    controller.abort(interrupted());
    waiting = setTimeout(onWait, UNTOLD_MS).unref();
  };
  const names = ['SIGINT', 'SIGTERM', ...(hasTerminal() ? (['SIGHUP'] as const) : [])] as const;
  for (const name of names) process.on(name, onSignal);
  return {
    signal: controller.signal,
    stop() {
      clearTimeout(waiting);
      for (const name of names) process.off(name, onSignal);
    },
  };
}

/** Ctrl-Z: from then on the shell writes where the live area was, until we are continued. */
function leaveTerminal(makeWay: () => void): void {
  const onStop = (): void => {
    makeWay();
    // By its own default, which stops nobody whom no shell could continue.
    process.off('SIGTSTP', onStop);
    process.kill(process.pid, 'SIGTSTP');
    process.on('SIGTSTP', onStop);
  };
  process.on('SIGTSTP', onStop);
}

function interrupted(): PipelineError {
  return new PipelineError('run.interrupted', 'interrupted', { exit: EXIT.interrupted });
}

/**
 * A terminal that is closed ends what goes on in it. `nohup` lets go of the terminal and has SIGHUP ignored, which Node
 * undoes at its start: whoever has no terminal is not to hear of one, to the end of the process.
 */
function hasTerminal(): boolean {
  if ([0, 1, 2].some((stream) => isatty(stream))) return true;
  process.on('SIGHUP', () => undefined);
  return false;
}

function report(error: unknown, { root, json }: { root: string | undefined; json: boolean }): ExitCode {
  const stateDir = root === undefined ? undefined : join(root, '.lockstep');
  const known = error instanceof PipelineError ? error : fromSystemError(error, stateDir);
  if (json) {
    const problems = known ? known.problems : [toProblem(error)];
    process.stdout.write(`${JSON.stringify({ type: 'error', problems })}\n`);
  } else if (known && known.code === 'run.interrupted') process.stderr.write('interrupted\n');
  else if (known) process.stderr.write(formatProblems(known.problems, lineReader(root)));
  if (known) return known.exit;
  const stack = error instanceof Error ? error.stack : String(error);
  process.stderr.write(
    `error[internal.bug]: lockstep itself failed; please report this with the lines below\n${stack}\n`,
  );
  return EXIT.bug;
}

function lineReader(root: string | undefined): ReadLine {
  return root === undefined ? () => undefined : createLineReader(root);
}

/**
 * A reader that has seen enough (`| head`) ends no run: what is written after that goes nowhere. Any other failure to
 * write is told once, and makes a success a failure: a program may have waited for what was lost.
 */
function outliveReaders(): { readonly lost: () => boolean } {
  let lost = false;
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE' || lost) return;
      lost = true;
      process.exitCode ||= EXIT.failed;
      if (stream === process.stdout) report(error, { root: undefined, json: false });
    });
  return { lost: () => lost };
}

/**
 * What a library throws where nobody waits for it is a bug as well. Node itself would print all that hangs on the error:
 * of an SDK's, whole requests with their credentials.
 */
function tellStrays(): void {
  const json = process.argv.includes('--json');
  process.on('uncaughtException', (error) => process.exit(report(error, { root: undefined, json })));
}

/** Runs one command line as the process's whole work, and leaves its exit code to the process. */
export async function runCommandLine(): Promise<void> {
  // Stays when the process runs out of work before the command has ended: no success may come of that.
  process.exitCode = EXIT.bug;
  tellStrays();
  const output = outliveReaders();
  const code = await main(process.argv.slice(2));
  process.exitCode = code === EXIT.ok && output.lost() ? EXIT.failed : code;
  leaveRest();
}

/** Requests of libraries that no signal ends must not keep a process whose command has ended, and told all it has to. */
function leaveRest(): void {
  const isTold = (): boolean => [process.stdout, process.stderr].every((out) => out.writableLength === 0);
  const look = (): void => {
    if (isTold()) process.exit();
  };
  setInterval(look, REST_MS).unref();
}

/** What ends by itself may take so long. */
const REST_MS = 250;
