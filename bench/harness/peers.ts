import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Folders to look for peers in before PATH, separated as in PATH: the `bin` of a venv, a `node_modules/.bin`. */
export const PEERS_VARIABLE = 'LOCKSTEP_BENCH_PEERS';

/** The path of a program beside which ours is measured; `undefined` when this machine does not have it. */
export function findPeer(name: string): string | undefined {
  const folders = `${process.env[PEERS_VARIABLE] ?? ''}${delimiter}${process.env['PATH'] ?? ''}`.split(
    delimiter,
  );
  return folders.map((folder) => join(folder, name)).find((path) => path.startsWith('/') && isProgram(path));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
