import type { ContentHash, HashAlgorithm, RelPath } from '../base/types.ts';
import { readSealedJson, writeSealedJson } from '../io/sealed.ts';

/** What stood at a path; numbers are flags. */
export type PathStood = readonly [path: RelPath, hash: ContentHash, isExecutable: 0 | 1, followsLinks: 0 | 1];

/**
 * That nothing was to be done in a whole project, and all that this was judged by: as long as each of these is the same, the
 * judgement would be. It says nothing that is not looked at again before it is believed.
 */
export interface Settled {
  /** The pipeline's name, and how many stages were fresh. */
  readonly pipeline: string;
  readonly stages: number;
  readonly algorithm: HashAlgorithm;
  /** Text files (pipeline.yaml, what it reads, the lock, what keeps outs out of git) → SHA-256; `null` for one that was not there. */
  readonly files: Readonly<Record<string, string | null>>;
  /** Variables that stages name → hash of the value. */
  readonly env: Readonly<Record<string, string>>;
  /** Entries of module stages → files and packages they lead to, as text. */
  readonly code: Readonly<Record<string, string>>;
  /** Deps, outs and data. */
  readonly stood: readonly PathStood[];
  /** No tick of a schedule moves between these instants (epoch ms, without the second). */
  readonly fromMs: number;
  readonly untilMs: number;
}

/** `undefined` when there is none of this very engine. */
export function readSettled(path: string, engine: string): Settled | undefined {
  const kept = readSealedJson(path) as { engine: string; settled: Settled } | null | undefined;
  return kept?.engine === engine ? kept.settled : undefined;
}

export function writeSettled(path: string, engine: string, settled: Settled): void {
  writeSealedJson(path, { engine, settled });
}
