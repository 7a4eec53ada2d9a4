import type { Problem } from '../base/error.ts';
import type { Location } from '../base/types.ts';

/** Collects what is wrong in the files, so that everything can be told at once. */
export interface Report {
  /** Adds a problem; the same code at the same place is kept once, as instances of one template repeat theirs. */
  add(
    code: string,
    message: string,
    options?: { hint?: string | undefined; at?: Location | readonly Location[] },
  ): void;
  /** Every problem so far, in the order of `files` and then of place; those without a place come first. */
  problems(files: readonly string[]): readonly Problem[];
}

/** An empty report. */
export function createReport(): Report {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  return {
    add(code, message, { hint, at } = {}) {
      const places = at === undefined ? undefined : isPlace(at) ? [at] : at;
      const first = places?.[0];
      const key = first ? `${code} ${first.line}:${first.column} ${first.file}` : `${code} ${message}`;
      if (seen.has(key)) return;
      seen.add(key);
      problems.push({
        code,
        message: shorten(message),
        ...(hint !== undefined && { hint: shorten(hint) }),
        ...(places && places.length > 0 && { at: places }),
      });
    },
    problems: (files) => problems.toSorted((a, b) => compare(a.at?.[0], b.at?.[0], files)),
  };
}

/** A sentence stays one, whatever it quotes. */
function shorten(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 180)}…${text.slice(-100)}`;
}

function isPlace(at: Location | readonly Location[]): at is Location {
  return !Array.isArray(at);
}

function compare(a: Location | undefined, b: Location | undefined, files: readonly string[]): number {
  if (!a || !b) return Number(a !== undefined) - Number(b !== undefined);
  return files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column;
}
