import type { Stats } from 'node:fs';
import { join } from 'node:path';
import type { ReadLine } from '../base/problem-text.ts';
import { readIfExists, statIfExists } from './files.ts';

interface Read {
  readonly stat: Stats;
  readonly lines: readonly string[];
}

/** Reads lines of the files below a folder: each file once while it looks the same, for thousands of problems may quote it. */
export function createLineReader(root: string): ReadLine {
  const files = new Map<string, Read>();

  function linesOf(file: string): readonly string[] {
    const path = join(root, file);
    const stat = statIfExists(path);
    if (!stat) return [];
    const known = files.get(file);
    if (known?.stat.size === stat.size && known.stat.mtimeMs === stat.mtimeMs) return known.lines;
    const text = readIfExists(path)?.toString('utf8') ?? '';
    const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
    files.set(file, { stat, lines });
    return lines;
  }

  return (file, line) => {
    try {
      return linesOf(file)[line - 1];
    } catch {
      return undefined;
    }
  };
}
