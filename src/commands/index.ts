import type { Command } from './command.ts';

/** The subcommands in the order of help; each is loaded only when it is used. */
export const COMMANDS: ReadonlyMap<string, () => Promise<{ readonly default: Command }>> = new Map([
  ['repro', () => import('./repro.ts')],
  ['status', () => import('./status.ts')],
]);
