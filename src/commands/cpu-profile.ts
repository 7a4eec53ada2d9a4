import { closeSync, openSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Session } from 'node:inspector/promises';
import { PipelineError, isSystemError } from '../base/error.ts';

/** Short enough to see what a command of a few tens of milliseconds does (µs). */
const INTERVAL_US = 200;

/**
 * Does something and writes a CPU profile of this thread to a file, whatever happens: the format of Chrome DevTools
 * ("Performance", "Load profile") and of editors. Stages run in processes of their own and are not in it. Throws
 * `profile.unwritable` before anything is done.
 */
export async function recordProfile<T>(file: string, act: () => Promise<T>): Promise<T> {
  const fd = openFile(file);
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US });
    await session.post('Profiler.start');
    try {
      return await act();
    } finally {
      const { profile } = await session.post('Profiler.stop');
      writeFileSync(fd, JSON.stringify(profile));
    }
  } finally {
    session.disconnect();
    closeSync(fd);
  }
}

/** Opened at once: nobody wants to learn at the end of a long run that its profile cannot be written. */
function openFile(file: string): number {
  try {
    return openSync(resolve(file), 'w');
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new PipelineError('profile.unwritable', `"${file}" cannot be written (${error.code})`, {
      hint: 'name a file in a folder that exists and that you may write to',
      cause: error,
    });
  }
}
