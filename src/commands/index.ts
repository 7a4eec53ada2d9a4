import type { Command } from './command.ts';

/** The subcommands in the order of help; each is loaded only when it is used. */
export const COMMANDS: ReadonlyMap<string, () => Promise<{ readonly default: Command }>> = new Map([
  ['init', () => import('./init.ts')],
  ['repro', () => import('./repro.ts')],
  ['status', () => import('./status.ts')],
  ['watch', () => import('./watch.ts')],
  ['dag', () => import('./dag.ts')],
  ['log', () => import('./log.ts')],
  ['push', () => import('./push.ts')],
  ['fetch', () => import('./fetch.ts')],
  ['pull', () => import('./pull.ts')],
  ['checkout', () => import('./checkout.ts')],
  ['commit', () => import('./commit.ts')],
  ['verify', () => import('./verify.ts')],
  ['gc', () => import('./gc.ts')],
  ['remote', () => import('./remote.ts')],
  ['doctor', () => import('./doctor.ts')],
  ['completion', () => import('./completion.ts')],
]);
