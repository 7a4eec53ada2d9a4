import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createBus } from './base/bus.ts';
import { EXIT, PipelineError, toProblem } from './base/error.ts';
import type { ExitCode } from './base/error.ts';
import type { Event, Listener } from './base/event.ts';
import { formatProblems } from './base/problem-text.ts';
import { didYouMean } from './base/text.ts';
import type { Command, CommandContext, Flag } from './commands/command.ts';
import { formatCommandHelp, formatHelp } from './commands/help.ts';
import { COMMANDS } from './commands/index.ts';
import { fromSystemError } from './io/system-error.ts';
import { clockFrom, findRoot } from './project.ts';

const GLOBAL_FLAGS: Readonly<Record<string, Flag>> = {
  dir: { type: 'string', short: 'C', value: 'DIR', help: 'work in this folder' },
  json: { type: 'boolean', help: 'results and events as JSON, one a line' },
  wait: {
    type: 'string',
    value: 'SECONDS',
    help: 'how long to wait for another lockstep in this project (default 60)',
  },
  help: { type: 'boolean', short: 'h', help: 'show this help' },
};

type Flags = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

interface Parsed {
  readonly command: Command;
  readonly name: string;
  readonly flags: Flags;
  readonly args: readonly string[];
}

/** Runs one command line; the exit code is its whole answer to the shell. */
async function main(argv: readonly string[]): Promise<ExitCode> {
  const print = (text: string): void => void process.stdout.write(text);
  const [first] = argv;
  if (first === '--version' || first === '-V') {
    print(`${version()}\n`);
    return EXIT.ok;
  }
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    print(await formatHelp(COMMANDS, GLOBAL_FLAGS));
    return first === undefined ? EXIT.user : EXIT.ok;
  }
  let root: string | undefined;
  let json = argv.includes('--json');
  try {
    const parsed = await parse(argv);
    json = parsed.flags['json'] === true;
    if (parsed.flags['help'] === true) {
      print(formatCommandHelp(parsed.name, parsed.command, GLOBAL_FLAGS));
      return EXIT.ok;
    }
    const dir = resolve(typeof parsed.flags['dir'] === 'string' ? parsed.flags['dir'] : '.');
    root = rootOf(dir);
    return await perform(parsed, { dir, argv, json, print });
  } catch (error) {
    return report(error, { root, json });
  }
}

function rootOf(dir: string): string | undefined {
  try {
    return findRoot(dir);
  } catch {
    return undefined;
  }
}

async function parse(argv: readonly string[]): Promise<Parsed> {
  const at = findCommand(argv);
  const name = argv[at];
  if (name === undefined) throw usage('cli.no-command', 'no command is given', 'see "lockstep --help"');
  const load = COMMANDS.get(name);
  if (!load)
    throw usage(
      'cli.unknown-command',
      `there is no command "${name}"`,
      didYouMean(name, [...COMMANDS.keys()]) ?? 'see "lockstep --help"',
    );
  const { default: command } = await load();
  const flags = { ...GLOBAL_FLAGS, ...command.flags };
  const options = Object.fromEntries(
    Object.entries(flags).map(([flag, { type, short, multiple }]) => [
      flag,
      { type, ...(short !== undefined && { short }), ...(multiple && { multiple }) },
    ]),
  );
  try {
    const { values, positionals } = parseArgs({
      args: argv.filter((_, index) => index !== at),
      options,
      allowPositionals: true,
    });
    if (command.maxArgs !== undefined && positionals.length > command.maxArgs) {
      throw usage(
        'cli.arguments',
        `"lockstep ${name}" does not know what to do with "${positionals[command.maxArgs]}"`,
        `see "lockstep ${name} --help"`,
      );
    }
    return { command, name, flags: values as Flags, args: positionals };
  } catch (error) {
    throw error instanceof PipelineError ? error : flagError(error, name, Object.keys(flags));
  }
}

/** The first word that is neither a flag nor the value of a global one. */
function findCommand(argv: readonly string[]): number {
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? '';
    if (word === '-C' || word === '--dir' || word === '--wait') at++;
    else if (!word.startsWith('-')) return at;
  }
  return -1;
}

function flagError(error: unknown, name: string, flags: readonly string[]): unknown {
  const { code, message } = error as { code?: string; message: string };
  if (!code?.startsWith('ERR_PARSE_ARGS')) return error;
  const unknown = /Unknown option '(-+[^']*)'/.exec(message)?.[1];
  if (unknown === undefined)
    return usage('cli.value', message.split('. ')[0] ?? message, `see "lockstep ${name} --help"`);
  const near = didYouMean(unknown.replace(/^-+/, ''), flags);
  const hint = near?.startsWith('did') ? near.replace(/"(.*)"/, '"--$1"') : `see "lockstep ${name} --help"`;
  return usage('cli.unknown-flag', `"lockstep ${name}" has no flag "${unknown}"`, hint);
}

function usage(code: string, message: string, hint: string): PipelineError {
  return new PipelineError(code, message, { exit: EXIT.user, hint });
}

interface Surroundings {
  readonly dir: string;
  readonly argv: readonly string[];
  readonly json: boolean;
  readonly print: (text: string) => void;
}

async function perform(parsed: Parsed, { dir, argv, json, print }: Surroundings): Promise<ExitCode> {
  const clock = clockFrom(process.env);
  const listeners: Listener[] = [
    await screen(json, { now: () => clock.now(), readLine: lineReader(rootOf(dir)) }),
  ];
  const interrupt = listenForInterrupts();
  // Late listeners (the history of a run) hear what comes after them.
  const emit = createBus(
    [{ on: (event: Event) => listeners.forEach((listener) => listener.on(event)) }],
    () => clock.now(),
  );
  const context: CommandContext = {
    args: parsed.args,
    flags: parsed.flags,
    dir,
    env: process.env,
    line: `lockstep ${argv.join(' ')}`,
    json,
    print,
    emit,
    signal: interrupt.signal,
    listen: (listener) => void listeners.push(listener),
    tell: (error) => void report(error, { root: rootOf(dir), json }),
    waitMs: waitOf(parsed.flags),
  };
  try {
    return await parsed.command.run(context);
  } finally {
    interrupt.stop();
    for (const listener of listeners) await listener.close?.();
  }
}

function waitOf(flags: Flags): number {
  const text = flags['wait'];
  if (typeof text !== 'string') return 60_000;
  const seconds = Number(text);
  if (text.trim() !== '' && Number.isFinite(seconds) && seconds >= 0) return seconds * 1000;
  throw usage('cli.value', `--wait takes a number of seconds, not "${text}"`, 'for example --wait 300');
}

async function screen(json: boolean, { now, readLine }: Seeing): Promise<Listener> {
  if (json) {
    const { createJsonListener } = await import('./listeners/json.ts');
    return createJsonListener({ write: (text) => void process.stdout.write(text) });
  }
  const { createConsoleListener } = await import('./listeners/console.ts');
  const { createSchedule } = await import('./listeners/schedule.ts');
  const out = process.stderr;
  return createConsoleListener({
    write: (text) => void out.write(text),
    isTty: out.isTTY === true && process.env['CI'] === undefined,
    columns: () => out.columns ?? 80,
    colour: usesColour(),
    unicode:
      /utf-?8/i.test(process.env['LC_ALL'] ?? process.env['LC_CTYPE'] ?? process.env['LANG'] ?? '') ||
      process.platform === 'darwin',
    rows: () => out.rows ?? 24,
    now,
    readLine,
    schedule: createSchedule(),
  });
}

interface Seeing {
  readonly now: () => number;
  readonly readLine: (file: string, line: number) => string | undefined;
}

/** https://no-color.org and FORCE_COLOR; else only a terminal gets colour. */
function usesColour(): boolean {
  if ((process.env['NO_COLOR'] ?? '') !== '') return false;
  if ((process.env['FORCE_COLOR'] ?? '') !== '') return true;
  return process.stderr.isTTY === true && process.env['TERM'] !== 'dumb';
}

interface Interrupts {
  readonly signal: AbortSignal;
  stop(): void;
}

/** The first Ctrl-C asks everything to end; the second ends at once, and the next command cleans up. */
function listenForInterrupts(): Interrupts {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort(new PipelineError('run.interrupted', 'interrupted', { exit: EXIT.interrupted }));
  };
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, onSignal);
  return {
    signal: controller.signal,
    stop: () => names.forEach((name) => process.off(name, onSignal)),
  };
}

function report(error: unknown, { root, json }: { root: string | undefined; json: boolean }): ExitCode {
  const known = error instanceof PipelineError ? error : fromSystemError(error);
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

function lineReader(root: string | undefined): (file: string, line: number) => string | undefined {
  return (file, line) => {
    if (root === undefined) return undefined;
    try {
      return readFileSync(join(root, file), 'utf8')
        .replace(/^\uFEFF/, '')
        .split(/\r?\n/)[line - 1];
    } catch {
      return undefined;
    }
  };
}

function version(): string {
  return (
    JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  ).version;
}

process.exitCode = await main(process.argv.slice(2));
