import { join } from 'node:path';
import { statIfExists, readFolder } from './files.ts';
import type { Clock } from './clock.ts';
import { wasQuiet } from './quiet.ts';

/** What was to be seen of a mutex at one moment, for telling later whether anybody has held it since. */
export interface MutexMark {
  /** When its notes last came or went, epoch ms; 0 when nobody ever held it. */
  readonly notedMs: number;
  /** Nobody held it, and that could be told from what happened next. */
  readonly isQuiet: boolean;
}

/** `name`: what of a project it is for. */
export function pathOfMutex(stateDir: string, name: 'workspace' | 'cache'): string {
  return join(stateDir, `${name}.mutex`);
}

/** Where the living holders of a mutex name themselves, one file each: made when it is taken, removed before it is let go. */
export function notesOf(path: string): string {
  return `${path}.d`;
}

/** Looks at a mutex without taking it, or loading what takes it. */
export function markMutex(path: string, clock: Clock): MutexMark {
  const notedMs = statIfExists(notesOf(path))?.mtimeMs ?? 0;
  return {
    notedMs,
    isQuiet: wasQuiet(notedMs, clock.now()) && readFolder(notesOf(path)).length === 0,
  };
}

/** True when nobody has held the mutex since; to be asked by its holder, before it notes itself. */
export function isUnheldSince(path: string, { notedMs, isQuiet }: MutexMark): boolean {
  return isQuiet && (statIfExists(notesOf(path))?.mtimeMs ?? 0) === notedMs;
}
