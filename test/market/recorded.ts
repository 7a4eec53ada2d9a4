import { join } from 'node:path';

/** Option of tests that need recorded data. */
export const recorded: { skip?: string } =
  process.env['LOCKSTEP_DATA'] === undefined ? { skip: 'LOCKSTEP_DATA is not set' } : {};

/** Path inside the folder of recorded data. */
export function recordedPath(...parts: string[]): string {
  return join(process.env['LOCKSTEP_DATA'] ?? '', ...parts);
}
