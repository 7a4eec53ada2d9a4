import { parseArgs } from 'node:util';
import { PipelineError } from '../base/error.ts';
import { didYouMean, suggest } from '../base/text.ts';
import type { Command, Flag, Flags } from './command.ts';
import { COMMANDS } from './index.ts';

/** Flags that every command has. */
export const GLOBAL_FLAGS: Readonly<Record<string, Flag>> = {
  dir: { type: 'string', short: 'C', value: 'DIR', help: 'work in this folder' },
  json: { type: 'boolean', help: 'results and events as JSON, one a line' },
  wait: {
    type: 'string',
    value: 'SECONDS',
    help: 'how long to wait for another lockstep in this project (default 60; watch: no limit)',
  },
  verbose: {
    type: 'boolean',
    short: 'v',
    help: 'also what went as expected, and at the end where the time went',
  },
  profile: {
    type: 'string',
    value: 'FILE',
    help: 'write a CPU profile of lockstep itself (FILE.cpuprofile, for Chrome DevTools)',
  },
  help: { type: 'boolean', short: 'h', help: 'show this help' },
};

/** A command line: help for all, or a command with its flags and positional arguments (`flags.help`: its help). */
export type Line =
  | { readonly kind: 'help' }
  | {
      readonly kind: 'command';
      readonly name: string;
      readonly command: Command;
      readonly flags: Flags;
      readonly args: readonly string[];
    };

/**
 * Reads the words of a command line; global flags may stand before the command. Throws `cli.no-command`,
 * `cli.unknown-command`, `cli.unknown-flag`, `cli.value` or `cli.arguments`.
 */
export async function parseLine(argv: readonly string[]): Promise<Line> {
  const at = findCommand(argv);
  const first = argv[at];
  const rest = argv.filter((_, index) => index !== at);
  if (first === undefined) {
    if (argv.some((word) => word === '--help' || word === '-h')) return { kind: 'help' };
    const { flags } = parseFlags(rest, GLOBAL_FLAGS, 'lockstep');
    if (flags['help'] === true) return { kind: 'help' };
    throw usage('cli.no-command', 'no command is given', 'see "lockstep --help"');
  }
  if (first !== 'help') return parseCommand(first, rest);
  const next = findCommand(rest);
  const name = rest[next];
  return name === undefined ? { kind: 'help' } : parseCommand(name, ['--help']);
}

async function parseCommand(name: string, words: readonly string[]): Promise<Line> {
  const load = COMMANDS.get(name);
  if (!load) {
    const hint = didYouMean(name, [...COMMANDS.keys()]) ?? 'see "lockstep --help"';
    throw usage('cli.unknown-command', `there is no command "${name}"`, hint);
  }
  const { default: command } = await load();
  const { flags, args } = parseFlags(words, { ...GLOBAL_FLAGS, ...command.flags }, `lockstep ${name}`);
  if (flags['help'] !== true && command.maxArgs !== undefined && args.length > command.maxArgs) {
    throw unknownArgument(name, args[command.maxArgs] ?? '');
  }
  // It would mean the folder, and with that all of the project. Who completes a line has not written the word yet.
  if (flags['words'] !== true && args.includes(''))
    throw usage('cli.arguments', `an empty word is given to "lockstep ${name}"`, UNSET);
  return { kind: 'command', name, command, flags, args };
}

/** A word that a command has no use for. */
export function unknownArgument(command: string, word: string): PipelineError {
  const what = `"lockstep ${command}" does not know what to do with "${word}"`;
  return usage('cli.arguments', what, `see "lockstep ${command} --help"`);
}

/** Where the first word stands that is neither a flag nor the value of a global one; -1 where none is. */
export function findCommand(argv: readonly string[]): number {
  return readLoosely(argv, GLOBAL_FLAGS).find(({ kind }) => kind === 'positional')?.index ?? -1;
}

type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number];

/** The words of a line that need not make sense. */
export function readLoosely(
  words: readonly string[],
  flags: Readonly<Record<string, Flag>>,
): readonly Token[] {
  const { tokens } = parseArgs({
    args: [...words],
    options: flags,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  return tokens;
}

function parseFlags(
  words: readonly string[],
  flags: Readonly<Record<string, Flag>>,
  line: string,
): { readonly flags: Flags; readonly args: readonly string[] } {
  try {
    const { values, positionals } = parseArgs({ args: [...words], options: flags, allowPositionals: true });
    for (const [name, value] of Object.entries(values))
      if ([value].flat().includes('')) throw usage('cli.value', `"--${name}" has an empty value`, UNSET);
    return { flags: values as Flags, args: positionals };
  } catch (error) {
    throw flagError(error, line, flags);
  }
}

/** Where nothing stands that a shell was asked for, it most often was this. */
const UNSET = 'a variable that stands there may be unset';

function flagError(error: unknown, line: string, flags: Readonly<Record<string, Flag>>): unknown {
  const { code, message } = error as { code?: string; message: string };
  if (!code?.startsWith('ERR_PARSE_ARGS')) return error;
  const help = `see "${line} --help"`;
  const unknown = /Unknown option '(-+[^']*)'/.exec(message)?.[1];
  if (unknown !== undefined) {
    const near = suggest(unknown.replace(/^-+/, ''), Object.keys(flags));
    const hint = near === undefined ? help : `did you mean "--${near}"?`;
    return usage('cli.unknown-flag', `"${line}" has no flag "${unknown}"`, hint);
  }
  const name = /--([\w-]+)/.exec(message)?.[1] ?? '';
  const flag = flags[name];
  if (flag?.type === 'boolean') return usage('cli.value', `"--${name}" takes no value`, help);
  if (flag) {
    const what = `"--${name}" needs a value: --${name} ${flag.value ?? 'VALUE'}`;
    return usage('cli.value', what, `${help}; a value that begins with "-" is written --${name}=VALUE`);
  }
  return usage('cli.value', message.split('. ')[0] ?? message, help);
}

/** How long to wait for others (ms). */
export function waitMsOf(flags: Flags): number {
  const text = flags['wait'];
  if (typeof text !== 'string') return 60_000;
  const seconds = Number(text);
  if (text.trim() !== '' && Number.isFinite(seconds) && seconds >= 0) return seconds * 1000;
  throw usage('cli.value', `"--wait" takes a number of seconds, not "${text}"`, 'for example --wait 300');
}

/** The file for a CPU profile; the tools that show one know it by its ending. */
export function profileOf(flags: Flags): string | undefined {
  const file = flags['profile'];
  if (typeof file !== 'string') return undefined;
  if (file.endsWith('.cpuprofile')) return file;
  const what = `"--profile" takes a file that ends in ".cpuprofile", not "${file}"`;
  throw usage('cli.value', what, 'for example --profile repro.cpuprofile');
}

function usage(code: string, message: string, hint: string): PipelineError {
  return new PipelineError(code, message, { hint });
}
