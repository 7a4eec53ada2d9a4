import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createBus } from './base/bus.ts';
import { EXIT, PipelineError, isSystemError, toProblem } from './base/error.ts';
import type { ExitCode } from './base/error.ts';
import { formatProblems } from './base/problem-text.ts';
import type { ReadLine } from './base/problem-text.ts';
import { visibleLines } from './base/text.ts';
import type { CommandContext, Flags } from './commands/command.ts';
import { formatCommandHelp, formatHelp } from './commands/help.ts';
import { parseLine, profileOf, waitMsOf } from './commands/parse-line.ts';
import type { Line } from './commands/parse-line.ts';
import { createPhases } from './commands/phases.ts';
import { interrupted, leaveTerminal, listenForInterrupts } from './io/interrupts.ts';
import { createLineReader } from './io/line-reader.ts';
import { fromSystemError } from './io/system-error.ts';
import { VERSION, clockFrom, findRoot } from './ground.ts';
import { createScreen } from './listeners/screen.ts';

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
  const shown = await createScreen({
    json,
    env: process.env,
    out: process.stderr,
    print,
    now: () => clock.now(),
    readLine: lineReader(root),
    verbose,
  });
  const interrupt = listenForInterrupts({
    onWait() {
      shown.makeWay?.();
      if (!json) process.stderr.write('Stopping; Ctrl-C again ends at once.\n');
    },
    onAgain() {
      shown.makeWay?.();
      process.exit(report(interrupted(), { root: undefined, json }));
    },
  });
  if (shown.makeWay) leaveTerminal(shown.makeWay);
  const bus = createBus(shown, () => clock.now());
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
    emit: bus.emit,
    signal: interrupt.signal,
    listen(listener) {
      const stop = bus.listen(listener);
      return async () => {
        stop();
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
    await bus.close();
    if (verbose) process.stderr.write(phases.format());
  }
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
