import { resolve } from 'node:path';
import type { Command, CommandContext, Flag } from '../command.ts';
import { COMMANDS } from '../index.ts';
import { GLOBAL_FLAGS, findCommand, readLoosely } from '../parse-line.ts';
import { projectNames } from './project-names.ts';
import type { ProjectNames } from './project-names.ts';

/** A word that the word at the cursor may become. */
export interface Candidate {
  readonly word: string;
  readonly help?: string;
}

export interface CompleteOptions {
  readonly dir: string;
  readonly env: CommandContext['env'];
  /** With descriptions: the summaries of commands cost loading all of them. */
  readonly describe: boolean;
}

/** Instead of words: the shell completes names of files, or of folders. */
const FILES: Candidate = { word: ':files' };
const FOLDERS: Candidate = { word: ':folders' };

/**
 * What the last of these words may become; the others stand before it on the command line, without the program's name.
 * Nothing for a line that makes no sense: who presses a key wants no error.
 */
export async function completeLine(
  words: readonly string[],
  options: CompleteOptions,
): Promise<readonly Candidate[]> {
  const before = words.slice(0, -1);
  const current = words.at(-1) ?? '';
  const line = await readLine(before);
  const { name, command, flags } = line;
  const names = (): Promise<ProjectNames> => projectNames(resolve(options.dir, line.dir ?? '.'), options.env);
  const inline = /^(--[^=]+)=(.*)$/s.exec(current);
  if (line.pending !== undefined) return filter(await valuesOf(flags[line.pending], names), current);
  if (inline && !line.ended) {
    const [, flag = '', value = ''] = inline;
    const values = filter(await valuesOf(flags[flag.slice(2)], names), value);
    return values.map((one) => (one.word.startsWith(':') ? one : { ...one, word: `${flag}=${one.word}` }));
  }
  if (current.startsWith('-') && !line.ended) {
    const all = Object.entries(flags).filter(([flag, { multiple }]) => multiple || !line.given.has(flag));
    return filter(
      all.map(([flag, { help }]) => ({ word: `--${flag}`, ...(options.describe && { help }) })),
      current,
    );
  }
  if (name === undefined || name === 'help') {
    if (name === 'help' && line.args.length > 0) return [];
    const known = await commandNames(options.describe);
    return filter(name === undefined ? [...known, { word: 'help' }] : known, current);
  }
  if (!command) return [];
  const found = await argumentsOf(command, line.args, names);
  return filter(toCandidates(found.filter((word) => !line.args.includes(word))), current);
}

interface PartialLine {
  readonly dir: string | undefined;
  readonly name: string | undefined;
  readonly command: Command | undefined;
  readonly flags: Readonly<Record<string, Flag>>;
  readonly given: ReadonlySet<string>;
  readonly args: readonly string[];
  /** The flag whose value comes next. */
  readonly pending: string | undefined;
  /** After `--` nothing is a flag. */
  readonly ended: boolean;
}

async function readLine(words: readonly string[]): Promise<PartialLine> {
  const at = findCommand(words);
  const name = words[at];
  const command = (await COMMANDS.get(name ?? '')?.())?.default;
  const flags = { ...command?.flags, ...GLOBAL_FLAGS };
  const tokens = readLoosely(
    words.filter((_, index) => index !== at),
    flags,
  );
  const given = tokens.filter((token) => token.kind === 'option');
  const last = tokens.at(-1);
  return {
    dir: given.findLast((token) => token.name === 'dir')?.value,
    name,
    command,
    flags,
    given: new Set(given.map((token) => token.name)),
    args: tokens.filter((token) => token.kind === 'positional').map(({ value }) => value),
    pending:
      last?.kind === 'option' && flags[last.name]?.type === 'string' && last.value === undefined
        ? last.name
        : undefined,
    ended: tokens.some(({ kind }) => kind === 'option-terminator'),
  };
}

async function commandNames(describe: boolean): Promise<readonly Candidate[]> {
  if (!describe) return toCandidates([...COMMANDS.keys()]);
  const found: Candidate[] = [];
  for (const [word, load] of COMMANDS) found.push({ word, help: (await load()).default.summary });
  return found;
}

/** What a flag takes as its help says it: `--remote NAME`. */
async function valuesOf(
  flag: Flag | undefined,
  names: () => Promise<ProjectNames>,
): Promise<readonly Candidate[]> {
  switch (flag?.value) {
    case 'DIR':
      return [FOLDERS];
    case 'FILE':
      return [FILES];
    case 'NAME':
      return toCandidates((await names()).remotes);
    case 'STAGE':
      return toCandidates((await names()).stages);
    default:
      return [];
  }
}

/** What a command takes as it says itself, or else its help: `[STAGE | PATH …]`. */
async function argumentsOf(
  { usage, maxArgs, complete }: Command,
  args: readonly string[],
  names: () => Promise<ProjectNames>,
): Promise<readonly string[]> {
  if (maxArgs !== undefined && args.length >= maxArgs) return [];
  if (complete) return complete(args, names);
  const { stages, paths, runs } = await names();
  return [
    ...(/\bSTAGE\b/.test(usage) ? stages : []),
    ...(/\bPATH\b/.test(usage) ? paths : []),
    ...(/\bRUN\b/.test(usage) ? runs : []),
  ];
}

function toCandidates(words: readonly string[]): readonly Candidate[] {
  return words.map((word) => ({ word }));
}

function filter(candidates: readonly Candidate[], start: string): readonly Candidate[] {
  return candidates.filter(({ word }) => word.startsWith(start) || word.startsWith(':'));
}
