import type { Command, Flag } from './command.ts';
import { COMMANDS } from './index.ts';
import { GLOBAL_FLAGS } from './parse-line.ts';

/** What `lockstep --help` prints. */
export async function formatHelp(): Promise<string> {
  const rows: string[] = [];
  const width = Math.max(...[...COMMANDS.keys()].map((name) => name.length));
  for (const [name, load] of COMMANDS) {
    const { default: command } = await load();
    rows.push(`  ${name.padEnd(width)}  ${command.summary}`);
  }
  return [
    'lockstep: declarative pipelines with lockfiles\n',
    '\nUsage: lockstep [-C DIR] COMMAND [ARGUMENTS]\n\n',
    `${rows.join('\n')}\n\n`,
    formatFlags('Everywhere', GLOBAL_FLAGS),
    '\n"lockstep COMMAND --help" shows flags and examples of a command.\n',
  ].join('');
}

/** What `lockstep COMMAND --help` prints. */
export function formatCommandHelp(name: string, command: Command): string {
  return [
    `${command.summary}.\n\n`,
    `Usage: lockstep ${name}${command.usage === '' ? '' : ` ${command.usage}`}\n\n`,
    command.usage.includes('STAGE') ? WORDS : '',
    Object.keys(command.flags).length > 0 ? `${formatFlags('Flags', command.flags)}\n` : '',
    formatFlags('Everywhere', GLOBAL_FLAGS),
    `\nExamples:\n${command.examples.map((line) => `  ${line}\n`).join('')}`,
  ].join('');
}

const WORDS =
  'A word is the name of a stage, else a path from the current folder (or that of -C); with ./ or ../ it is always a path.\nCommands that move outs and inputs take the exact path of one for itself first.\n\n';

function formatFlags(title: string, flags: Readonly<Record<string, Flag>>): string {
  const rows = Object.entries(flags).map(([name, { short, value, help }]) => ({
    left: `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`,
    help,
  }));
  const width = Math.max(...rows.map((row) => row.left.length));
  return `${title}:\n${rows.map((row) => `  ${row.left.padEnd(width)}  ${row.help}\n`).join('')}`;
}
