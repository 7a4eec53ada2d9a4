import { EXIT, PipelineError } from '../base/error.ts';
import { fileNameOf } from '../base/file-name.ts';
import { renameSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Pipeline, StageLock } from '../base/types.ts';
import { findStaleTemps, makeFolder, readFolder, sweepTemps } from '../io/files.ts';
import { INCOMING } from '../io/incoming.ts';
import { pathOfMutex } from '../io/mutex-mark.ts';
import { sweepNotes, whileUnheld } from '../io/mutex.ts';
import { isOwnerAlive, ownerMark, processStart } from '../io/process-id.ts';
import {
  RUNNER,
  endMarked,
  isGroupAlive,
  processesWithMark,
  signalGroup,
  signalProcess,
} from '../io/process.ts';
import { finishMove } from './commit.ts';
import { ownerOfAttempt } from './journal.ts';
import type { AttemptRecord, LostAttempt, Unfinished } from './journal.ts';
import { refuseLinkAbove } from './folder-above.ts';
import type { OpenProject } from './open-project.ts';
import { exists, putBack } from './staging.ts';
import type { Laid } from './staging.ts';

export interface RecoverOptions extends Pick<
  OpenProject,
  'stateDir' | 'pipeline' | 'journal' | 'clock' | 'emit'
> {
  /** Records a result whose moves were finished: run cache, then lock, durably. */
  readonly record: (stage: string, result: StageLock) => Promise<void>;
  /** Removes the folders of an attempt that is over. */
  readonly close: (staging: Pick<Laid, 'id' | 'folders'>) => void;
}

const GRACE_MS = 5000;

/**
 * Cleans up after runners that died: ends what is left of their stage processes, then puts old outs back or finishes
 * a commit. To be called by whoever holds the workspace, before anything else.
 */
export async function recoverAttempts(options: RecoverOptions): Promise<void> {
  const { journal, emit, stateDir, close } = options;
  for (const orphan of journal.unfinished()) {
    await endProcesses(orphan, options);
    if (orphan.phase === 'lost') {
      keepLost(orphan, options);
      journal.remove(orphan.id);
      continue;
    }
    const failed = failedFolder(stateDir, orphan.stage);
    refuseLinks(orphan, { root: dirname(stateDir), failed });
    let isKept = false;
    if (orphan.phase === 'committing') {
      for (const out of orphan.outs) finishMove(out, failed);
      if (orphan.result) await options.record(orphan.stage, orphan.result);
    } else for (const out of orphan.outs) if (putBack(out, failed)) isKept = true;
    close(orphan);
    journal.remove(orphan.id);
    emit({
      type: 'attempt-recovered',
      stage: orphan.stage,
      how: orphan.phase === 'committing' ? 'rolled-forward' : 'rolled-back',
      ...(isKept && { kept: relative(dirname(stateDir), failed) }),
    });
  }
  journal.sweep();
  sweepStaging(options);
}

/** Nobody knows where they belong, so old outs that wait aside are kept and told. */
function keepLost({ id }: LostAttempt, { stateDir, pipeline, emit, close }: RecoverOptions): void {
  const root = dirname(stateDir);
  const tell = (where: string): void =>
    emit({
      type: 'warned',
      problem: {
        code: 'recover.damaged',
        message: `the record of an earlier run is damaged; outs that it had moved aside are in ${where}`,
        hint: 'compare them with what stands in the workspace, then remove them',
      },
    });
  const staging = join(stateDir, 'staging', id);
  const aside = join(staging, 'aside');
  refuseLinkAbove({ path: `.lockstep/staging/${id}/aside`, home: aside });
  if (readFolder(aside).length > 0) {
    const failed = join(stateDir, 'failed', id);
    refuseLinkAbove({ path: `.lockstep/failed/${id}`, home: failed });
    makeFolder(dirname(failed));
    renameSync(aside, failed);
    tell(`.lockstep/failed/${id}`);
  }
  close({ id, folders: [staging] });
  // Beside outs below another mount, from which nothing can be moved to where failed outs are kept.
  for (const folder of foldersAbove(pipeline)) {
    const beside = join(folder, `.lockstep-${id}`);
    if (!exists(join(root, beside))) continue;
    refuseLinkAbove({ path: join(beside, 'aside'), home: join(root, beside, 'aside') });
    if (readFolder(join(root, beside, 'aside')).length > 0) tell(join(beside, 'aside'));
    else close({ id, folders: [join(root, beside)] });
  }
}

/** Folders of the workspace in which outs are, and those above them. */
function foldersAbove({ stages }: Pipeline): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const { path } of stages.flatMap(({ outs }) => outs))
    for (let folder = dirname(path); !folders.has(folder); folder = dirname(folder)) folders.add(folder);
  return folders;
}

/** A workspace may have been changed, or brought along, since: nothing is moved through a link. */
function refuseLinks(
  { outs, folders }: AttemptRecord,
  { root, failed }: { readonly root: string; readonly failed: string },
): void {
  const places = outs.flatMap(({ path, home, made, aside }) => [home, made, aside, join(failed, path)]);
  for (const home of [...places, ...folders]) refuseLinkAbove({ path: relative(root, home), home });
}

/** Where the last failed outs of a stage are kept. */
export function failedFolder(stateDir: string, stage: string): string {
  return join(stateDir, 'failed', fileNameOf(stage));
}

/** Only a process that started when the record says is the dead runner's; the pid alone may be someone else's now. */
async function endProcesses(orphan: Unfinished, { clock }: RecoverOptions): Promise<void> {
  const owner = ownerOfAttempt(orphan.id);
  // It may still be about to start what its runner asked for. Ours runs nothing yet.
  if (owner !== undefined && owner !== ownerMark()) await endMarked(owner, 0, RUNNER);
  const leader = orphan.process;
  const start = leader && processStart(leader.pid);
  const marked = (): readonly number[] => processesWithMark(orphan.id);
  // A group may outlive its leader; nobody else is given the pid meanwhile.
  const isOurs = leader && (start === leader.start || (start === undefined && marked().length > 0));
  const group = isOurs ? leader.pid : undefined;
  const isAlive = (): boolean => (group !== undefined && isGroupAlive(group)) || marked().length > 0;
  const kill = (signal: NodeJS.Signals): void => {
    if (group !== undefined) signalGroup(group, signal);
    for (const pid of marked()) signalProcess(pid, signal);
  };
  kill('SIGTERM');
  for (let waited = 0; isAlive() && waited < GRACE_MS; waited += 50) await clock.sleep(50);
  if (isAlive()) kill('SIGKILL');
  for (let waited = 0; isAlive(); waited += 50) {
    if (waited >= GRACE_MS) throw unkillable(orphan, group ?? marked()[0]);
    await clock.sleep(50);
  }
}

function unkillable(orphan: Unfinished, pid: number | undefined): PipelineError {
  const whose = orphan.phase === 'lost' ? 'a stage' : `stage "${orphan.stage}"`;
  return new PipelineError(
    'recover.unkillable',
    `a process of ${whose} from an earlier run cannot be ended`,
    {
      exit: EXIT.busy,
      hint: `end process ${pid ?? '(unknown)'} yourself, then run again`,
    },
  );
}

/** Staging folders and temp files of dead runners that left no record. */
function sweepStaging({ stateDir, close }: RecoverOptions): void {
  for (const entry of readFolder(join(stateDir, 'staging'))) {
    const owner = ownerOfAttempt(entry.name);
    if (owner !== undefined && !isOwnerAlive(owner))
      close({ id: entry.name, folders: [join(stateDir, 'staging', entry.name)] });
  }
  // A lockfile on its way waits beside it.
  sweepTemps(dirname(stateDir));
  for (const folder of [stateDir, join(stateDir, 'files')]) sweepTemps(folder);
  for (const name of ['staging', 'attempts']) sweepTemps(join(stateDir, name), true);
  sweepCache(stateDir);
  for (const name of ['workspace', 'cache'] as const) sweepNotes(pathOfMutex(stateDir, name));
}

/** Not in the midst of a fetch, which holds the cache alone, and in another container looks like one that died. */
function sweepCache(stateDir: string): void {
  const folders = ['runs', join('files', INCOMING)].map((name) => join(stateDir, name));
  if (folders.every((folder) => findStaleTemps(folder, true).length === 0)) return;
  whileUnheld(pathOfMutex(stateDir, 'cache'), () => {
    for (const folder of folders) sweepTemps(folder, true);
  });
}
