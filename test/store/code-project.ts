import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PipelineError } from '../../src/base/error.ts';
import type { ContentHash } from '../../src/base/types.ts';
import { createClock } from '../../src/io/clock.ts';
import { loadParser } from '../../src/store/code-facts.ts';
import { createCodeReader } from '../../src/store/imports.ts';
import type { Closure, CodeReader } from '../../src/store/imports.ts';
import { createMemo } from '../../src/store/memo.ts';
import type { Memo } from '../../src/store/memo.ts';
import { tempFolder } from '../record/rig.ts';

/** Path → text. */
export type Files = Readonly<Record<string, string>>;

export interface Place {
  readonly root: string;
  write(files: Files): void;
  /** Makes a file large without writing it, and lets the memo know the hash, as if it had been hashed. */
  enlarge(path: string, bytes: number, hash: ContentHash): void;
  /** `before`: modules whose closures the same reader was asked for first. */
  closure(entry?: string, before?: readonly string[]): Closure;
  /** What was asked for on the way to the closure, or to what is wrong with it; sorted. */
  asked(): readonly string[];
}

await loadParser();

const STAGE = { file: 'pipeline.yaml', line: 3, column: 10, length: 11 };

/** A project in a folder of its own, below a folder that other things may stand in. */
export function project(files: Files, name = 'project'): Place {
  const above = realpathSync(tempFolder());
  const root = join(above, name);
  const clock = createClock();
  const open = (memo: Memo): CodeReader =>
    createCodeReader({
      root,
      memo,
      clock,
      path: join(above, 'code'),
      engine: 'this',
      apiPackage: 'lockstep-data',
      apiFolder: join(root, 'node_modules/lockstep-data'),
      resolveOwn: (specifier) =>
        specifier === 'lockstep-data' ? undefined : join(root, 'node_modules', `${specifier}.ts`),
    });
  const place: Place = {
    root,
    write(more) {
      for (const [path, text] of Object.entries(more)) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), text);
      }
    },
    enlarge(path, bytes, hash) {
      truncateSync(join(root, path), bytes);
      const look = statSync(join(root, path));
      const memo = createMemo(join(above, 'memo'), look.mtimeMs);
      memo.remember(() => join(root, path), look, hash, { seenAt: look.ctimeMs + 1000, object: false });
      memo.save();
    },
    closure(entry = 'stages/a.ts', before = []) {
      const memo = createMemo(join(above, 'memo'), clock.now());
      const reader = open(memo);
      for (const other of before) reader.closureOf(other, STAGE);
      const closure = reader.closureOf(entry, STAGE);
      reader.save();
      memo.save();
      return closure;
    },
    asked() {
      const reader = open(createMemo(join(above, 'memo'), clock.now()));
      try {
        reader.closureOf('stages/a.ts', STAGE);
      } catch (error) {
        assert.ok(error instanceof PipelineError, String(error));
      }
      return [...reader.asked()].sort();
    },
  };
  place.write(files);
  return place;
}

/** The files of a closure, sorted. */
export const paths = (closure: Closure): readonly string[] => Object.keys(closure.files);

export const sha256 = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

/** The error of this code that the closure of `stages/a.ts` is refused with. */
export function refused(place: Place, code: string): PipelineError {
  try {
    place.closure();
  } catch (error) {
    assert.ok(error instanceof PipelineError, String(error));
    assert.equal(error.code, code);
    return error;
  }
  throw new assert.AssertionError({ message: `not refused with ${code}` });
}

/** `file:line:column` of the first place that an error names. */
export const at = (error: PipelineError): string => {
  const [place] = error.problems[0].at ?? [];
  return `${place?.file}:${place?.line}:${place?.column}`;
};
