import { EXIT, PipelineError } from '../base/error.ts';
import type { Emit } from '../base/event.ts';
import { dirname, join } from 'node:path';
import type { StageLock } from '../base/types.ts';
import type { Clock } from '../io/clock.ts';
import { readFolder, sweepTemps } from '../io/files.ts';
import { sweepNotes } from '../io/mutex.ts';
import { isOwnerAlive, processStart } from '../io/process-id.ts';
import { isGroupAlive, processesWithMark, signalGroup, signalProcess } from '../io/process.ts';
import { finishMove } from './commit.ts';
import type { AttemptRecord, Journal } from './journal.ts';
import { closeStaging, putBack } from './staging.ts';

export interface RecoverOptions {
  readonly stateDir: string;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Records a result whose moves were finished: run cache, then lock, durably. */
  readonly record: (stage: string, result: StageLock) => Promise<void>;
}

const GRACE_MS = 5000;

/**
 * Cleans up after runners that died: ends what is left of their stage processes, then puts old outs back or finishes
 * a commit. To be called by whoever holds the workspace, before anything else.
 */
export async function recoverAttempts(options: RecoverOptions): Promise<void> {
  const { journal, emit, stateDir } = options;
  for (const orphan of journal.orphans()) {
    await endProcesses(orphan, options);
    const failed = failedFolder(stateDir, orphan.stage);
    if (orphan.phase === 'committing') {
      for (const out of orphan.outs) finishMove(out, failed);
      if (orphan.result) await options.record(orphan.stage, orphan.result);
    } else for (const out of orphan.outs) putBack(out, failed);
    closeStaging(orphan);
    journal.remove(orphan.id);
    const how = orphan.phase === 'committing' ? 'rolled-forward' : 'rolled-back';
    emit({ type: 'attempt-recovered', stage: orphan.stage, how });
  }
  sweepStaging(stateDir);
}

/** A stage's folder below `.lockstep/failed`: characters that paths cannot hold are written as `%2F`. */
export function failedName(stage: string): string {
  return stage.replaceAll(/[/\\:%]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Where the last failed outs of a stage are kept. */
export function failedFolder(stateDir: string, stage: string): string {
  return join(stateDir, 'failed', failedName(stage));
}

/** Only a process that started when the record says is the dead runner's; the pid alone may be someone else's now. */
async function endProcesses(orphan: AttemptRecord, { clock }: RecoverOptions): Promise<void> {
  const leader = orphan.process;
  const marked = processesWithMark(orphan.id);
  const start = leader && processStart(leader.pid);
  if (leader && start !== undefined && start !== leader.start && marked.length === 0) return;
  const ours = leader !== undefined && (start === leader.start || marked.length > 0);
  const isAlive = (): boolean =>
    (ours && leader && isGroupAlive(leader.pid)) || processesWithMark(orphan.id).length > 0;
  const kill = (signal: NodeJS.Signals): void => {
    if (ours && leader && (start === leader.start || start === undefined)) signalGroup(leader.pid, signal);
    for (const pid of processesWithMark(orphan.id)) signalProcess(pid, signal);
  };
  kill('SIGTERM');
  for (let waited = 0; isAlive() && waited < GRACE_MS; waited += 50) await clock.sleep(50);
  if (isAlive()) kill('SIGKILL');
  for (let waited = 0; isAlive(); waited += 50) {
    if (waited >= GRACE_MS) throw unkillable(orphan);
    await clock.sleep(50);
  }
}

function unkillable(orphan: AttemptRecord): PipelineError {
  return new PipelineError(
    'recover.unkillable',
    `a process of stage "${orphan.stage}" from an earlier run cannot be ended`,
    {
      exit: EXIT.busy,
      hint: `end process ${orphan.process?.pid ?? '(unknown)'} yourself, then run again`,
    },
  );
}

/** Staging folders and temp files of dead runners that left no record. */
function sweepStaging(stateDir: string): void {
  for (const entry of readFolder(join(stateDir, 'staging'))) {
    const match = /^(\d+-[0-9A-Za-z]+)\.\d+$/.exec(entry.name);
    if (match && !isOwnerAlive(match[1] ?? ''))
      closeStaging({ folders: [join(stateDir, 'staging', entry.name)] });
  }
  // A lockfile on its way waits beside it.
  sweepTemps(dirname(stateDir));
  for (const folder of [stateDir, join(stateDir, 'files')]) sweepTemps(folder);
  for (const name of ['staging', 'attempts', 'runs']) sweepTemps(join(stateDir, name), true);
  for (const name of ['workspace', 'cache']) sweepNotes(join(stateDir, `${name}.mutex`));
}
