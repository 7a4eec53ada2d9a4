import { relative } from 'node:path';
import { EXIT, PipelineError } from '../base/error.ts';
import type { Artifact, Fingerprint, HashAlgorithm, RelPath, Stage, StageLock } from '../base/types.ts';
import type { Cache } from '../store/cache.ts';
import { ingest, ingestTree, treeFiles } from '../store/ingest.ts';
import type { IngestFile } from '../store/ingest.ts';
import { createObserver } from '../store/observe.ts';
import type { Observation } from '../store/observe.ts';
import { gateTexts } from '../plan/decide.ts';
import { findStray, refuseLinkAbove } from './staging.ts';
import type { Staging } from './staging.ts';

export interface HarvestInputs {
  readonly stage: Stage;
  readonly staging: Staging;
  readonly fingerprint: Fingerprint;
  readonly cache: Cache;
  readonly algorithm: HashAlgorithm;
}

/**
 * Takes what an attempt made into the cache, durably, and says what it is. Nothing has moved yet when this fails:
 * `out.missing`, `out.kind`, `out.linked`, `out.stray` and `path.special` name the out.
 */
export async function harvest(inputs: HarvestInputs): Promise<StageLock> {
  const { stage, staging, cache, algorithm } = inputs;
  if (staging.outs.some((out) => out.made !== out.home)) refuseStray(stage, staging);
  else for (const [index, out] of staging.outs.entries()) refuseLinkAbove(out, stage.outs[index]?.at);
  const observer = createObserver({ root: '/', memo: cache.memo, algorithm, clock: cache.clock });
  const requests = staging.outs.map((out) => ({
    path: relative('/', out.made) as RelPath,
    links: 'refuse' as const,
  }));
  const seen = await observer.observe(requests);
  const artifacts: Artifact[] = [];
  const files: IngestFile[] = [];
  for (const [index, out] of stage.outs.entries()) {
    const staged = staging.outs[index];
    const request = requests[index];
    if (!staged || !request) continue;
    const observation = checkOut(stage, index, {
      observation: seen.get(request.path),
      stagedAs: request.path,
    });
    const sharing = out.cache && !out.persist && observation.artifact.exec !== true ? 'share' : 'own';
    if (observation.kind === 'file') {
      files.push({
        path: staged.made,
        hash: observation.artifact.hash,
        size: observation.artifact.size,
        sharing,
      });
    } else files.push(...treeFiles(staged.made, observation.entries, sharing));
    artifacts.push({ ...observation.artifact, path: out.path });
  }
  await ingest(cache, files);
  for (const request of requests) {
    const observation = seen.get(request.path);
    if (observation?.kind === 'tree') ingestTree(cache, observation.entries, algorithm);
  }
  artifacts.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { fingerprint: inputs.fingerprint, outs: artifacts, gates: gateTexts(stage) };
}

type Present = Exclude<Observation, { kind: 'missing' } | { kind: 'refused' }>;

interface Found {
  readonly observation: Observation | undefined;
  /** The name under which messages about it speak. */
  readonly stagedAs: string;
}

function checkOut(stage: Stage, index: number, { observation, stagedAs }: Found): Present {
  const out = stage.outs[index];
  const path = out?.path ?? '';
  const options = { exit: EXIT.failed, ...(out && { at: out.at }) };
  if (!observation || observation.kind === 'missing') {
    throw new PipelineError('out.missing', `stage "${stage.name}" ended well but did not write "${path}"`, {
      ...options,
      hint: 'write it, or take it out of the outs:',
    });
  }
  if (observation.kind === 'refused') {
    const message = observation.error.message.replaceAll(stagedAs, path);
    throw new PipelineError(observation.error.code, message, {
      ...options,
      hint: observation.error.problems[0].hint,
    });
  }
  if (out?.folder === true && observation.kind === 'file') {
    throw new PipelineError(
      'out.kind',
      `stage "${stage.name}" wrote the file "${path}", but it is declared as a folder`,
      {
        ...options,
        hint: `declare it as "${path}", without the slash, or write a folder`,
      },
    );
  }
  return observation;
}

function refuseStray(stage: Stage, staging: Staging): void {
  const stray = findStray(staging);
  if (stray === undefined) return;
  throw new PipelineError(
    'out.stray',
    `stage "${stage.name}" wrote "${stray}" beside its outs, which it does not declare`,
    {
      exit: EXIT.failed,
      at: stage.at,
      hint: `add it to the outs: of "${stage.name}", or do not write it`,
    },
  );
}
