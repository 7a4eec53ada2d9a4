import { join } from 'node:path';
import type { Command } from './measure.ts';
import type { Bench, Contender } from './trial.ts';

const HASH_FOLDER = join(import.meta.dirname, '..', 'programs', 'hash-folder.ts');

/** The cheapest Node process: what any command of ours costs at least. */
export function nodeStart({ dir }: Bench): Contender {
  return { name: 'node', command: () => ({ argv: [process.execPath, '-e', '0'], cwd: dir }) };
}

/** What our command costs before it looks at anything. */
export function ourStart({ dir, lockstep }: Bench): Contender {
  return { name: 'start', command: () => lockstep(dir, '--version') };
}

/** Finds every file of a folder and asks for its size and times, in C: the floor of "nothing changed". */
export function walk(folder: string): Contender {
  return {
    name: 'walk',
    command: () => ({ argv: ['find', folder, '-printf', '%s %T@ %C@ %i %p\\n'], cwd: folder }),
  };
}

/** Reads and hashes every file with two threads, then flushes the file system: the floor of taking files over. */
export function hashAndFlush({ dir }: Bench, folder: string): Command {
  return {
    argv: ['sh', '-c', '"$0" "$1" "$2" && sync -f "$2"', process.execPath, HASH_FOLDER, folder],
    cwd: dir,
    env: { NODE_COMPILE_CACHE: join(dir, 'compile') },
  };
}
