import { dirname, relative } from 'node:path';
import { byCodeUnit } from '../base/path.ts';
import type { Artifact, Fingerprint, Out, RelPath, Stage, StageLock } from '../base/types.ts';
import { createCrew } from '../io/crew.ts';
import type { Crew } from '../io/crew.ts';
import { createObserver } from '../store/observe.ts';
import type { Observation } from '../store/observe.ts';
import { createCopies, takeIn } from '../store/take-in.ts';
import type { Copies, ToTakeIn } from '../store/take-in.ts';
import { gateTexts } from '../plan/decide.ts';
import { isShared } from './checkout.ts';
import { refuseLinkAbove } from './folder-above.ts';
import type { OpenProject } from './open-project.ts';
import { stageError } from './stage-error.ts';
import { findStray } from './staging.ts';
import type { Laid, StagedOut, Staging } from './staging.ts';

export interface HarvestInputs extends Pick<OpenProject, 'cache' | 'pipeline' | 'facts'> {
  readonly stage: Stage;
  readonly staging: Staging<Out>;
  readonly fingerprint: Fingerprint;
  /** What has been seen at the outs, where they are in the workspace and have been looked at already. */
  readonly seen?: (path: RelPath) => Observation;
}

/**
 * Takes what an attempt made into the cache, durably, and says what it is. Nothing has moved yet when this fails:
 * `out.missing`, `out.kind`, `out.linked`, `out.stray` and `path.special` name the out.
 */
export async function harvest(inputs: HarvestInputs): Promise<StageLock> {
  const { stage, staging, cache } = inputs;
  if (staging.outs.some((out) => out.made !== out.home)) refuseStray(stage, staging);
  else for (const out of staging.outs) refuseLinkAbove(out, out.wanted.at);
  const copies = inputs.seen ? undefined : createCopies(cache);
  try {
    return await takeOuts(inputs, copies);
  } finally {
    copies?.drop();
  }
}

async function takeOuts(inputs: HarvestInputs, copies: Copies | undefined): Promise<StageLock> {
  const { stage, staging, cache } = inputs;
  using crew = createCrew();
  const seen = inputs.seen ? undefined : await observeStaged(inputs, crew, copies);
  const artifacts: Artifact[] = [];
  const items: ToTakeIn[] = [];
  for (const staged of staging.outs) {
    const out = staged.wanted;
    const stagedAs = nameOf(staged);
    const observation = inputs.seen?.(out.path) ?? seen?.get(stagedAs);
    const here = checkOut(stage, out, { observation, stagedAs });
    const sharing = isShared(out) && here.artifact.exec !== true ? 'share' : 'own';
    items.push({ path: staged.made, here, sharing });
    artifacts.push({ ...here.artifact, path: out.path });
  }
  await takeIn(cache, items, crew);
  artifacts.sort((a, b) => byCodeUnit(a.path, b.path));
  return { fingerprint: inputs.fingerprint, outs: artifacts, gates: gateTexts(stage) };
}

/** What is to become an object by a link is made read-only while it is looked at, and of the rest a copy is made if it is much. */
function observeStaged(
  { staging, cache, pipeline, facts }: HarvestInputs,
  crew: Crew,
  keeper: Copies | undefined,
): Promise<ReadonlyMap<RelPath, Observation>> {
  const observer = createObserver({ root: '/', cache, algorithm: pipeline.hash, crew, keeper });
  const { type, device, sharesMount } = cache.linker();
  return observer.observe(
    staging.outs.map((out) => {
      const isLinked = type === 'hardlink' && isShared(out.wanted) && sharesMount(dirname(out.made));
      const sealOn = isLinked ? device : undefined;
      return { ...facts.requestOf(out.path), path: nameOf(out), ...(sealOn !== undefined && { sealOn }) };
    }),
  );
}

/** Where an out is made, below the root of the file system. */
function nameOf(out: StagedOut): RelPath {
  return relative('/', out.made) as RelPath;
}

type Present = Exclude<Observation, { kind: 'missing' } | { kind: 'refused' }>;

interface Found {
  readonly observation: Observation | undefined;
  /** The name under which messages about it speak. */
  readonly stagedAs: string;
}

function checkOut(stage: Stage, { path, folder, at }: Out, { observation, stagedAs }: Found): Present {
  if (!observation || observation.kind === 'missing') {
    throw stageError(stage, 'out.missing', `stage "${stage.name}" ended well but did not write "${path}"`, {
      at,
      hint: 'write it, or take it out of the outs:',
    });
  }
  if (observation.kind === 'refused') {
    const message = observation.error.message.replaceAll(stagedAs, path);
    throw stageError(stage, observation.error.code, message, {
      at,
      hint: observation.error.problems[0].hint,
    });
  }
  if (folder && observation.kind === 'file') {
    throw stageError(
      stage,
      'out.kind',
      `stage "${stage.name}" wrote the file "${path}", but it is declared as a folder`,
      { at, hint: `declare it as "${path}", without the slash, or write a folder` },
    );
  }
  return observation;
}

function refuseStray(stage: Stage, staging: Laid): void {
  const stray = findStray(staging);
  if (stray === undefined) return;
  throw stageError(
    stage,
    'out.stray',
    `stage "${stage.name}" wrote "${stray}" beside its outs, which it does not declare`,
    { hint: `add it to the outs: of "${stage.name}", or do not write it` },
  );
}
